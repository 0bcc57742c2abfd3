"""Every module and every test begins with the same random numbers, in whatever company it runs."""

import numpy as np
import pytest
import torch


def _seeded() -> None:
    torch.manual_seed(0)
    np.random.seed(0)


@pytest.hookimpl(tryfirst=True)
def pytest_collectstart(collector) -> None:
    """Nets that a test module makes when it is imported."""
    if isinstance(collector, pytest.Module):
        _seeded()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    _seeded()
