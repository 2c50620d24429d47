# `make run` starts afdash and `make test` tests it, each with all the set-up that it needs. See README.md.

.DEFAULT_GOAL := run
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

# The first Python that is new enough and really runs: a name on PATH may be only a version manager's stub.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { command -v "$$p"; break; }; done)

BIN := .venv/bin
RUN_HASH := $(shell cat requirements.txt | cksum | cut -d ' ' -f 1)
DEV_HASH := $(shell cat requirements.txt requirements-dev.txt | cksum | cut -d ' ' -f 1)
READY := .venv/.ready-$(RUN_HASH)
DEV_READY := .venv/.ready-dev-$(DEV_HASH)

# Another active environment must not receive our packages, and a home folder may be missing or read-only.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME CONDA_PREFIX UV_PROJECT_ENVIRONMENT
export UV_CACHE_DIR ?= $(CURDIR)/.venv/cache
export UV_LINK_MODE ?= hardlink
export UV_NO_CONFIG := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_CACHE_DIR := 1
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes
UV_VERSION := $(shell sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.txt)

.PHONY: run test lint bench lock clean ready ready-dev

run: $(READY)
	@$(BIN)/python -m afdash.supervisor run

test: $(DEV_READY)
	@chromium="$$($(BIN)/python -m tests.browser.chromium)" && \
	AFDASH_CHROMIUM="$$chromium" $(BIN)/python -m pytest $(or $(TESTS),-n 2 --dist loadfile --no-loadscope-reorder)

lint: $(DEV_READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m afdash.supervisor servers -- $(BIN)/python manage.py makemigrations --check --dry-run

bench: $(DEV_READY)
	@$(BIN)/python -m bench $(BENCH)

# Writes the exact version and hash of every package. UPGRADE=1 takes newer versions.
lock: $(READY)
	@for name in requirements requirements-dev; do \
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade) --output-file $$name.txt $$name.in || exit 1; done

# The data in .afdash stays: it may be the only copy of people's work.
clean:
	@rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist staticfiles
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

ready: $(READY)
ready-dev: $(DEV_READY)

$(READY):
	@if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	echo "afdash needs Python 3.11 or later with its venv module (on Debian and Ubuntu: apt-get install python3-venv)." >&2; \
	echo "If it is installed elsewhere: make $(or $(MAKECMDGOALS),run) PYTHON=/path/to/python3" >&2; exit 1; fi
	@echo "Setting up .venv (once) …"
	@[ -x $(BIN)/python ] && $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	|| "$(PYTHON)" -m venv --clear .venv
	@[ -x $(BIN)/uv ] || $(BIN)/python -m pip install --quiet --no-input "uv==$(UV_VERSION)"
	@$(INSTALL) -r requirements.txt
	@rm -rf .venv/cache; rm -f .venv/.ready-*; touch $@

$(DEV_READY): $(READY)
	@$(INSTALL) -r requirements.txt -r requirements-dev.txt
	@rm -rf .venv/cache; rm -f .venv/.ready-dev-*; touch $@
