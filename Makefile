# Needs Python 3.11 or newer, make and git. Every verb sets up .venv by itself, once, and again when the pins change.
# LOCAL=1 means the embedded AWS, ARGS is handed on (make build ARGS="'api_*'"), PYTHON picks the interpreter. Without it
# python3.13 is preferred: the embedded AWS runs functions in the Python it runs in itself, and that is their runtime.
PYTHON ?= $(shell for python in python3.13 python3 python3.14 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
DOLLOP := $(BIN)/dollop
READY := $(VENV)/.ready
TOOLS := $(VENV)/.tools
TO = $(if $(filter-out 0 no false,$(LOCAL)),--local) $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help demo test lint types build deploy-dry-run deploy-test deploy-prod bench soak venv lock clean

help:  ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## /\1:/p' $(MAKEFILE_LIST) | while IFS=: read -r verb what; do printf '  make %-15s %s\n' "$$verb" "$$what"; done

demo: $(READY)  ## the whole story on the embedded AWS: no account, nothing to clean up
	@$(DOLLOP) demo $(ARGS)

test: lint types  ## flake8, mypy and pytest
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

build: $(READY)  ## build every function's zip into dist/
	@$(DOLLOP) build $(ARGS)

deploy-dry-run: $(READY)  ## show what deploying to test would do, and do nothing
	@$(DOLLOP) plan test $(TO)

deploy-test: $(READY)  ## build and deploy to the alias test
	@$(DOLLOP) deploy test $(TO)

deploy-prod: $(READY)  ## move the alias prod to the versions that test runs
	@$(DOLLOP) promote prod $(TO)

bench: $(TOOLS)  ## time the build beside other tools, and the verbs (about 15 minutes)
	@$(BIN)/pytest tests/benchmarks -s $(ARGS)

soak: $(TOOLS)  ## every fault and signal at every call of a release, and many races (about 40 minutes, in parts if need be)
	@$(BIN)/python -m tests.emulated.soak $(ARGS)

lint: $(TOOLS)
	@$(BIN)/flake8

types: $(TOOLS)
	@$(BIN)/mypy

venv: $(TOOLS)  ## set up .venv with all tools, and nothing else

clean:  ## remove what was set up and built, and the embedded AWS with its state
	@if [ -x $(DOLLOP) ]; then $(DOLLOP) local stop; fi
	rm -rf $(VENV) .dollop dist

# The environment is made anew rather than repaired, so that nothing is in it that is not pinned.
$(READY): requirements-local.txt pyproject.toml .ci/install.py
	@$(or $(PYTHON),$(error no Python 3.11 or newer found; name one with PYTHON=/path/to/python3.13)) \
		.ci/install.py new $(VENV) requirements-local.txt
	@touch $@

$(TOOLS): $(READY) requirements-dev.txt
	@$(BIN)/python .ci/install.py add $(VENV) requirements-dev.txt
	@touch $@

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command 'make lock' --constraint .ci/constraints.txt
SAME = --constraint requirements-dev.txt --output-file

lock: $(READY)  ## pin the newest versions of everything
	@$(LOCK) pyproject.toml --extra local --group build --group test --upgrade --output-file requirements-dev.txt
	@$(LOCK) pyproject.toml --extra local --group build $(SAME) requirements-local.txt
	@$(LOCK) pyproject.toml $(SAME) requirements.txt
	@$(LOCK) --group thumbnail $(SAME) functions/thumbnail/requirements.txt
