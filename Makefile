# make demo | make test | make check | make wheel | make fuzz | make bench | make page-bars | make docs
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# what was tested; a newer package is tried by: make test CONSTRAINTS=
CONSTRAINTS ?= -c constraints.txt
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check $(CONSTRAINTS)

FUZZ ?= 20000

.PHONY: demo test check wheel fuzz bench page-bars docs clean

$(BIN)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else f"xaikit needs Python 3.11 to 3.13 and {sys.executable} is {v[0]}.{v[1]}; say make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	touch $@

$(BIN)/.tested: $(BIN)/.installed
	$(PIP) -e '.[test]'
	touch $@

demo: $(BIN)/.installed  ## train the demo models and write reports/index.html
	$(BIN)/xaikit demo

test: $(BIN)/.tested  ## the whole suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup -q

check: $(BIN)/.tested  ## lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel: $(BIN)/.installed  ## the package as others get it: built, installed alone elsewhere, used
	$(BIN)/python .ci/wheel.py

fuzz: $(BIN)/.tested  ## every reader, fed $(FUZZ) damaged files and folders each
	XAIKIT_FUZZ=$(FUZZ) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q tests/fuzz

bench: $(BIN)/.tested  ## beside captum, lime, shap and shapiq, into docs/performance.md; then accuracy (needs ../shared/data)
	$(PIP) -e '.[bench]'
	$(BIN)/python -m benchmarks --write
	$(BIN)/python benchmarks/shapley_accuracy.py
	$(BIN)/python benchmarks/accuracy.py --data ../shared/data

page-bars: $(BIN)/.tested  ## what a reader meets on each study page, in Chromium, beside what it must reach
	$(PIP) -e '.[bench]'
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m benchmarks.page_bars --data ../shared/data

docs: $(BIN)/.installed  ## methods.md and house.svg from the code, then the site in build/site
	$(PIP) -e '.[docs]'
	$(BIN)/python docs/make_methods.py
	$(BIN)/python docs/make_house.py
	$(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
