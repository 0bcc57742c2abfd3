"""Pages written once and read by many tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from report import sample_runs

from xaikit.report import write_report
from xaikit.study.run import Run


@pytest.fixture(scope="session")
def runs() -> dict[str, Run]:
    """One lifelike run for each kind of data."""
    return {
        "image": sample_runs.image_run(16),
        "text": sample_runs.text_run(),
        "table": sample_runs.table_run(12),
        "series": sample_runs.series_run(12),
    }


@pytest.fixture(scope="session")
def pages(runs: dict[str, Run], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """(kind, language) -> the page of the run of that kind, written once."""
    folder = tmp_path_factory.mktemp("pages")

    def page(kind: str, language: str = "en") -> Path:
        out = folder / f"{kind}-{language}.html"
        return out if out.exists() else write_report(runs[kind], out, language)

    return page
