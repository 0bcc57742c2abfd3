"""Solvers compute in one thread and give the others back."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from xaikit import shapley
from xaikit.shapley.process import estimator as odd_gp
from xaikit.shapley.threads import one_thread


def blas_threads() -> set[int]:
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two():
    with threadpool_limits(2, user_api="blas"):
        yield


def test_a_fit_has_one_thread_and_the_model_all(monkeypatch) -> None:
    inside, outside, fit = [], [], odd_gp.fit_parameters

    def value(masks):
        outside.append(blas_threads())
        return np.exp(masks @ np.linspace(-1, 1, masks.shape[1]))

    def fitted(*args):
        inside.append(blas_threads())
        return fit(*args)

    monkeypatch.setattr(odd_gp, "fit_parameters", fitted)
    shapley(value, 12, budget=120, method="odd_gp")
    assert set.union(*inside) == {1}
    assert set.union(*outside) == {2}
    assert blas_threads() == {2}


def test_threads_come_back_after_an_error() -> None:
    @one_thread
    def fit() -> None:
        assert blas_threads() == {1}
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit()
    assert blas_threads() == {2}


FITS = """
import sys, threading
import numpy, scipy.linalg
from threadpoolctl import threadpool_info
from xaikit.shapley.threads import one_thread

def blas():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}

sys.setswitchinterval(1e-6)
seen, before = set(), blas()
fit = one_thread(lambda: seen.update(blas()))
for _ in range(300):
    start = threading.Barrier(2)
    threads = [threading.Thread(target=lambda: (start.wait(), fit())) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print(max(before), seen, blas() == before)
"""


def test_fits_of_several_threads_give_the_threads_back() -> None:
    """One that begins while another ends must not take its limit for what was there before.

    In a process of its own, for here the main thread rules the threads of BLAS.
    """
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", FITS], env=env, capture_output=True, text=True, check=True
    )
    before, *found = done.stdout.split()
    if before == "1":
        pytest.skip("BLAS has one thread on this machine")
    assert found == ["{1}", "True"]
