# `make` alone explains itself. Everything works in .venv, which `make setup` makes.
SHELL := /bin/bash
PY := .venv/bin/python
UV := $(shell command -v uv 2>/dev/null || echo .venv/bin/uv)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-transformers check fix bench bench-gateway docs lock wheel clean

help: ## show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

setup: .venv/.ready ## make .venv with everything that development needs

# uv is used where it is; elsewhere pip brings it into the environment first.
.venv/.ready: requirements-dev.txt pyproject.toml
	@test -x $(PY) || python3 -m venv .venv
	@command -v uv >/dev/null 2>&1 || $(PY) -m pip install --quiet uv
	@UV=$$(command -v uv || echo .venv/bin/uv); \
	$$UV pip install --quiet --python $(PY) --compile-bytecode --require-hashes -r requirements-dev.txt && \
	$$UV pip install --quiet --python $(PY) --no-deps --editable . && $(PY) -m compileall -q groundwork
	@touch $@

demo: setup ## ingest the handbook, ask it, replay, explain, and serve the console (DEMO_ARGS=--no-serve ends instead)
	@.venv/bin/groundwork demo $(DEMO_ARGS)

# Files stay together, so that what a file sets up is set up once; a third worker works while others wait.
test: setup ## run the tests (minutes)
	@$(PY) -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "not slow"

test-slow: setup ## run the long sweeps too: crashes at every durable call, 303 hostile files, 200 replays
	@$(PY) -m pytest -q

test-transformers: setup ## run the tests of the local Hugging Face provider in an environment of its own (large download)
	@scripts/test_transformers.sh

check: setup ## lint, types, floors, generated files
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports --no-cache
	@$(PY) scripts/generate_reference.py --check
	@scripts/check_words.sh

fix: setup ## mend what can be mended by machine
	@.venv/bin/ruff check --fix . ; .venv/bin/ruff format . ; $(PY) scripts/generate_reference.py

bench: setup ## measure retrieval, extraction, ingest and the index on this machine (DATA=folder of data sets)
	@$(PY) scripts/bench.py $(DATA)

bench-gateway: setup ## measure the gateway beside LiteLLM, which is installed in an environment of its own
	@scripts/bench_gateway.sh

docs: setup ## generate the reference pages
	@$(PY) scripts/generate_reference.py

lock: ## pin every dependency by hash; no address is written
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
	  pyproject.toml --extra postgres -o requirements.txt
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
	  pyproject.toml --extra postgres --group dev -c requirements.txt -o requirements-dev.txt

wheel: setup ## build the wheel into dist/
	@$(UV) build --quiet --wheel

clean: ## remove what was built; your workspaces stay
	@rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
