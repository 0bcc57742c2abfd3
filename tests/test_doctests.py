"""The examples in the docstrings of public names are true."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest

import xaikit

# what an error's own text, or the pages of `write_report` and `study`, show already
WITHOUT = {"Score", "__version__", "write_comparison"}


@pytest.fixture(scope="module")
def known() -> dict[str, object]:
    """What an example may take as given."""
    data = xaikit.load_data("wine")
    model = xaikit.train("logistic", data, progress=False)
    return {"xaikit": xaikit, "np": np, "data": data, "model": model, "sample": data.test[0]}


@pytest.mark.parametrize("name", [n for n in xaikit.__all__ if n not in WITHOUT])
def test_the_example_of_a_public_name_is_true(name, known, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    thing = getattr(xaikit, name)
    home = vars(importlib.import_module(thing.__module__))
    examples = doctest.DocTestFinder(recurse=False).find(thing, name, globs={**home, **known})
    assert [e for test in examples for e in test.examples], f"{name} has no example"
    for test in examples:
        told: list[str] = []
        runner = doctest.DocTestRunner(verbose=False)
        runner.run(test, out=told.append)
        assert not runner.summarize(verbose=False).failed, "".join(told)
