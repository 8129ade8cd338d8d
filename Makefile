# Every target sets up what it needs: `make run` on a fresh machine needs Python >= 3.11 and make, nothing else.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)

.PHONY: help install run app test test-slow test-ui test-engines test-vllm check format docs bench bench-peers lock clean

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

install: $(VENV)/.installed  ## Install into .venv, with the exact versions of requirements.lock

$(VENV)/.installed: pyproject.toml setup.py requirements.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found."; exit 1; }
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh tools/install.sh
	@touch $@

run: install  ## Run the quickstart: preference data from recorded answers, offline and free
	$(BIN)/distilflow run examples/quickstart.yaml

app: install  ## Open the browser app at http://127.0.0.1:7860
	$(BIN)/distilflow app

test: install  ## Run the tests (installs a browser and an Argilla server for them, where it can)
	@sh tools/browser.sh
	@BIN=$(BIN) sh tools/argilla.sh
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

test-slow: install  ## Run the long tests too
	@sh tools/browser.sh
	@BIN=$(BIN) sh tools/argilla.sh
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-ui: install  ## Run all tests in a browser
	@sh tools/browser.sh
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests/ui

test-engines: install  ## Run transformers and llama.cpp with a tiny model (installs them into build/engines, 10 minutes once)
	@sh tools/engines.sh engines
	PYTHONPATH=. build/engines/bin/python -m pytest -m engines tests/engines

test-vllm: install  ## Run vLLM's build for CPUs with a tiny model (installs it into build/vllm, 4 GB)
	@sh tools/engines.sh vllm
	PYTHONPATH=. build/vllm/bin/python -m pytest -m vllm tests/engines

check: install  ## Lint, types, imports, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports
	$(MAKE) test

format: install  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install  ## Write docs/catalogue anew from docstrings and schemas
	$(BIN)/python -m tools.catalogue

bench: install  ## Measure a run beside bare aiohttp and the openai package (a few minutes)
	$(BIN)/python -m benchmarks.peers --quick

bench-peers: install  ## Measure beside the peers too (a quarter of an hour, and their installation)
	$(BIN)/python -m benchmarks.peers --turns 2

lock: install  ## Write requirements.lock anew from what is installed
	$(BIN)/pip freeze --exclude-editable > requirements.lock

clean:  ## Remove what was installed or built
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
