# `make quickstart` and `make test` set up everything they need.

PYTHON ?= python3
VENV ?= .venv
BACKEND ?= jax
PYTEST_ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INPUTS := pyproject.toml constraints.txt .ci/requirements.py

# What each environment holds: extras of pyproject.toml.
EXTRAS_quickstart := export datasets viz cli
EXTRAS_test := all test

.DEFAULT_GOAL := help
.PRECIOUS: $(VENV)/.installed-%
.PHONY: help quickstart test test-tensorflow test-jax test-torch test-fast \
	lint format clean

help: ## List the targets.
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' \
		| expand -t 14

quickstart: $(VENV)/.installed-quickstart ## Train, export and sample a VAE.
	$(BIN)/keras-vae quickstart --backend tensorflow

# Two suites at a time, each with one thread: on two cores that is fastest.
test: $(VENV)/.installed-test ## Whole suite, once per backend.
	$(MAKE) --jobs=2 --output-sync=target --keep-going --no-print-directory \
		test-tensorflow test-jax test-torch

test-tensorflow test-jax test-torch: test-%: $(VENV)/.installed-test
	KERAS_BACKEND=$* OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

test-fast: $(VENV)/.installed-test ## Quick tests on one backend (BACKEND=jax).
	KERAS_BACKEND=$(BACKEND) $(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS)

lint: $(VENV)/.installed-test ## Check style, format and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-test ## Fix style and format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove .venv, builds and caches; runs/ stays.
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed. Name one with e.g." \
			"\`make PYTHON=python3.12 ...\`."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A stamp file: installs again only when one of the INPUTS has changed.
$(VENV)/.installed-%: $(INPUTS) | $(BIN)/python
	@echo "Installing what '$*' needs into $(VENV): takes a minute or two."
	@$(BIN)/python .ci/requirements.py $(EXTRAS_$*) \
		> $(VENV)/requirements-$*.txt
	@$(PIP) install -c constraints.txt -r $(VENV)/requirements-$*.txt
	@$(PIP) install --no-deps -e .
	@touch $@
