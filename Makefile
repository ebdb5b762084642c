# From a bare clone: `make demo` and `make test`. Each makes .venv and installs what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export MPLBACKEND := Agg

.PHONY: demo test test-slow check mutate fuzz experiments results format docs wheel clean

demo: $(STAMP)
	$(BIN)/pulsephase demo

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow"

test-slow: $(STAMP)
	$(BIN)/python -m pytest -q -m slow

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pulsephase.experiments.pages --check
	$(MAKE) docs

mutate: $(STAMP)
	PYTHONPATH=tests OMP_NUM_THREADS=1 $(BIN)/python -m mutation.run

# Changed files and words against every command: no traceback, no hang, no other exit code.
MINUTES ?= 10
fuzz: $(STAMP)
	PYTHONPATH=tests OMP_NUM_THREADS=1 $(BIN)/python -m fuzz.run --minutes $(MINUTES)

# Every row of the ledger that is missing (hours), or those that ONLY names, made again.
experiments: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pulsephase.experiments.ledger_rows $(ONLY)
	$(MAKE) results

# Every table of README.md and of the docs, from experiments/results/ alone.
results: $(STAMP)
	$(BIN)/python -m pulsephase.experiments.pages

docs: $(STAMP)
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(STAMP)
	$(BIN)/python -m build --wheel --outdir dist .

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "pulsephase needs Python 3.11 to 3.13, found %d.%d: run make PYTHON=python3.11" % v)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[proofs,train,interpret,onnx,docs,dev]"
	@touch $@

clean:
	rm -rf $(VENV) build dist docs/_build .pytest_cache .mypy_cache .ruff_cache
