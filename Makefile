# The two commands of the README are `make demo` and `make test`; `make help` lists the others.
# Everything is installed into $(VENV) from hash-pinned lock files, and again only when they change.

SHELL := /bin/sh
VENV ?= .venv
PROFILE ?= dev
# Set EDITABLE= to install a copy instead of a link to this folder.
EDITABLE ?= -e
# Extra words for the tool that a target runs: make test ARGS="tests/ledger -x"
ARGS ?=

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input --quiet --quiet
PYTHONS := $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3 python

.PHONY: help demo test lint types docs bench messages lock install clean
.DELETE_ON_ERROR:

help:
	@echo "make demo    two states' programmes on a test chain, then where to look"
	@echo "make test    every test"
	@echo "make lint    style, formatting and the rooms' import contracts"
	@echo "make types   mypy, strict"
	@echo "make docs    the documentation into site/, strictly"
	@echo "make bench   the measurements, as JSON: make --silent bench >FILE"
	@echo "make messages the portal's words: collected, and compiled in every language"
	@echo "make lock    compile requirements/*.lock again (asks the public package index)"
	@echo "make install PROFILE=base VENV=.venv-base    one install profile into a folder"
	@echo "make clean   remove what the targets above made, the virtual environments included"

demo: $(VENV)/.locked-demo
	$(VENV)/bin/khazana demo $(ARGS)

test: $(VENV)/.locked-dev
	$(PY) -m pytest $(ARGS)

lint: $(VENV)/.locked-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(VENV)/bin/lint-imports --no-cache

types: $(VENV)/.locked-dev
	$(PY) -m mypy $(ARGS)

docs: $(VENV)/.locked-dev
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet

bench: $(VENV)/.locked-bench
	@PYTHONPATH=src:. $(PY) -m bench.run $(ARGS)

messages: $(VENV)/.locked-dev
	$(PY) -m khazana.portal.project.messages

lock: $(VENV)/.locked-dev
	$(PY) requirements/compile.py

install: $(VENV)/.locked-$(PROFILE)

clean:
	rm -rf .venv .venv-* build dist site src/*.egg-info demo
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# Lock files agree on every version, so several profiles can live in one environment.
$(VENV)/.locked-%: requirements/%.lock pyproject.toml | $(VENV)/bin/pip
	@echo "Installing profile $* into $(VENV) (once per change of its lock file) ..." >&2
	@$(PIP) install --require-hashes -r requirements/$*.lock
	@$(PIP) install --no-deps --no-build-isolation $(EDITABLE) .
	@touch $@

$(VENV)/bin/pip:
	@for python in $(PYTHONS); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  found="$$python"; break; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Khazana needs Python 3.11 or newer, and none of these is: $(PYTHONS)." >&2; \
	  echo "Install one (Debian, Ubuntu: apt install python3 python3-venv), or name yours:" >&2; \
	  echo "  make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; \
	  exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$found cannot make virtual environments: its venv or ensurepip module is missing." >&2; \
	  echo "Debian, Ubuntu: apt install python3-venv" >&2; \
	  exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" --version)" >&2; \
	"$$found" -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }
