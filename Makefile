# Needs Python 3.11 or newer, make and git. Every verb sets up .venv by itself, once, and again when the pins change.
# LOCAL=1 means the embedded AWS, ARGS is handed on (make build ARGS="'api_*'"), PYTHON picks the interpreter. Without it
# python3.13 is preferred: the embedded AWS runs functions in the Python it runs in itself, and that is their runtime.
PYTHON ?= $(shell for python in python3.13 python3 python3.14 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DOLLOP := $(BIN)/dollop
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command 'make lock'
TO = $(if $(filter-out 0 no false,$(LOCAL)),--local) $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help venv test lint types demo build deploy-dry-run deploy-test deploy-prod bench lock clean

help:  ## list the verbs
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | while IFS='	' read -r verb what; do printf '  make %-15s %s\n' "$$verb" "$$what"; done

demo: $(READY)  ## the whole story on the embedded AWS: no account, nothing to clean up
	@$(DOLLOP) demo $(ARGS)

test: lint types  ## flake8, mypy and pytest
	@$(BIN)/pytest $(ARGS)

build: $(READY)  ## build every function's zip into dist/
	@$(DOLLOP) build $(ARGS)

deploy-dry-run: $(READY)  ## show what deploying to test would do, and do nothing
	@$(DOLLOP) plan test $(TO)

deploy-test: $(READY)  ## build and deploy to the alias test
	@$(DOLLOP) deploy test $(TO)

deploy-prod: $(READY)  ## move the alias prod to the versions that test runs
	@$(DOLLOP) promote prod $(TO)

bench: $(READY)  ## time the build and the verbs
	@$(BIN)/pytest tests/benchmarks $(ARGS)

lint: $(READY)
	@$(BIN)/flake8

types: $(READY)
	@$(BIN)/mypy

venv: $(READY)  ## set up .venv only

lock: $(READY)  ## pin the newest versions of everything again
	@$(LOCK) pyproject.toml --upgrade --extra local --group build --group test --output-file requirements-dev.txt
	@$(LOCK) pyproject.toml --constraint requirements-dev.txt --output-file requirements.txt
	@$(LOCK) --group thumbnail --constraint requirements-dev.txt --output-file functions/thumbnail/requirements.txt

clean:  ## remove what was built and set up, and the embedded AWS's state
	@if [ -x $(DOLLOP) ]; then $(DOLLOP) local stop; fi
	rm -rf $(VENV) .dollop dist

$(READY): requirements-dev.txt pyproject.toml .ci/install.py
	@$(or $(PYTHON),$(error no Python 3.11 or newer found; name one with PYTHON=/path/to/python3.13)) .ci/install.py $(VENV)
	@touch $@
