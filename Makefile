# `make quickstart` and `make test` set up everything they need.

PYTHON ?= python3
VENV ?= .venv
BACKEND ?= torch
PYTEST_ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PEERS := examples/benchmarks/peers/requirements.txt
INPUTS := pyproject.toml constraints.txt .ci/requirements.py

# What each environment holds: extras of pyproject.toml.
EXTRAS_quickstart := export datasets viz cli
EXTRAS_test := all test

# What the tests in Node and in Chromium need. npm writes the file last.
WEB := tests/keras_vae_export/runtimes/web
WEB_PACKAGES := $(WEB)/node_modules/.package-lock.json

JAX_PART_1 := $(addprefix tests/keras_vae/,distributions layers likelihoods)
JAX_PART_2 := $(addprefix tests/keras_vae/,\
	models networks objectives posteriors priors)
JAX_PART_3 := $(addprefix --ignore=,$(JAX_PART_1) $(JAX_PART_2))

.DEFAULT_GOAL := help
.PRECIOUS: $(VENV)/.installed-%
.PHONY: help quickstart test test-tensorflow test-jax test-torch test-fast \
	test-jax-1 test-jax-2 test-jax-3 lint format benchmark-peers clean

help: ## List the targets.
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' \
		| expand -t 17

quickstart: $(VENV)/.installed-quickstart ## Train, export and sample a VAE.
	$(BIN)/keras-vae quickstart --backend tensorflow

# Two processes at a time, each with one thread: on two cores that is fastest.
# JAX compiles what it runs: its suite is as long as the others together, and
# goes in three parts.
test: $(VENV)/.installed-test $(WEB_PACKAGES) ## Whole suite, once per backend.
	$(MAKE) --jobs=2 --output-sync=target --keep-going --no-print-directory \
		test-tensorflow test-jax-1 test-jax-2 test-jax-3 test-torch

test-tensorflow test-jax test-torch: test-%: $(VENV)/.installed-test
	KERAS_BACKEND=$* OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

# Those tests do not depend on the backend, and run in one suite only.
test-tensorflow: $(WEB_PACKAGES)

test-jax-1 test-jax-2 test-jax-3: test-jax-%: $(VENV)/.installed-test
	KERAS_BACKEND=jax OMP_NUM_THREADS=1 $(BIN)/python -m pytest \
		$(JAX_PART_$*) $(PYTEST_ARGS)

test-fast: $(VENV)/.installed-test ## Quick tests on one backend (BACKEND=torch).
	KERAS_BACKEND=$(BACKEND) OMP_NUM_THREADS=1 $(BIN)/python -m pytest \
		-m "not slow" $(PYTEST_ARGS)

lint: $(VENV)/.installed-test ## Check style, format and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-test ## Fix style and format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark-peers: .venv-peers/.installed ## Set up what training.py compares with.

clean: ## Remove .venv, builds and caches; runs/ stays.
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf .venv-peers $(WEB)/node_modules
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

# Other libraries than ours, with requirements of their own.
.venv-peers/.installed: $(PEERS)
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip --quiet install -c constraints.txt -r $(PEERS)
	@touch $@

$(WEB_PACKAGES): $(WEB)/package.json $(WEB)/package-lock.json
	@if ! command -v npm > /dev/null; then \
		echo "No npm: the tests in Node and in Chromium will skip."; \
	elif ! (cd $(WEB) && npm ci --loglevel=error); then \
		echo "No packages: the tests in Node and in Chromium will skip."; \
	fi
