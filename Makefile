# Two commands matter: `make demo` and `make test`. Both build .venv first, with nothing but Python >= 3.11 and pip.
# Another interpreter: `make demo PYTHON=python3.12`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test check pytest docs bench .venv
help:
	@echo "make demo    the tour: phantoms as DICOM, asked, answered, scored; needs no network after set-up"
	@echo "make test    every check and test that continuous integration runs"
	@echo "make check   format, lint, types, import contracts, house tests"
	@echo "make bench   how fast and robust reading is, against the peers, and how fast phantoms are made; half an hour, 3 GB of disk"
	@echo "make docs    writes what is generated: the tree in ARCHITECTURE.md, docs/codes.md, the README's outputs"
	@echo "make .venv   the environment alone: the core and what the demo needs"

demo: .venv/core.stamp
	$(BIN)/vesalius demo

test: check pytest

# Tests that need published data find it here; each says so and skips where there is none. Besides them only `bench` is told.
PUBLIC_DATA := $(wildcard ../shared/data/public)
ifneq ($(PUBLIC_DATA),)
pytest bench: export VESALIUS_DATA ?= $(abspath $(PUBLIC_DATA))
endif
METRICS_TRUTH := $(wildcard ../shared/metrics_truth)
ifneq ($(METRICS_TRUTH),)
pytest: export VESALIUS_METRICS_TRUTH ?= $(abspath $(METRICS_TRUTH))
endif

# One process per core: torch would start as many threads again in each of them.
pytest: .venv/test.stamp
	@echo "$(if $(VESALIUS_DATA),published data: VESALIUS_DATA is set,VESALIUS_DATA is not set: tests on published data are skipped)"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --ignore=tests/house -rs

check: .venv/test.stamp
	$(BIN)/ruff format --check src tests docs bench
	$(BIN)/ruff check src tests docs bench
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/house -rs

# The peers' environment and the inputs are kept in .venv-bench; the figures go to bench/results/.
BENCH_MINUTES ?= 20
bench: .venv/test.stamp
	$(BIN)/python bench/read.py
	$(BIN)/python bench/load.py
	$(BIN)/python bench/phantom.py
	$(BIN)/python bench/evaluate.py
	$(BIN)/python bench/align.py
	$(BIN)/python bench/soak.py
	$(BIN)/python bench/fuzz.py --minutes $(BENCH_MINUTES)

docs: .venv/test.stamp
	$(BIN)/python -m docs.made write

.venv: .venv/core.stamp

.venv/core.stamp: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11, which Vesalius needs. Name a newer one: make PYTHON=python3.12"; exit 5; }
	@# A set-up that was cut off leaves an environment without pip: it is made anew.
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/test.stamp: .venv/core.stamp
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
