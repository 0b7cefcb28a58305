PYTHON ?= python3
# Arguments for pytest, the benchmark or chaos: make test ARGS="tests/unit -x"
ARGS ?=
# For how long make chaos makes trouble.
MINUTES ?= 2

# One more than there are cores: some tests wait for processes.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
PINS := -c constraints.txt --build-constraint constraints.txt

# No recipe sees a key, an address or a home of yours: nothing here can reach an account.
unexport $(filter ANTHROPIC_% BACKBURNER_%,$(.VARIABLES))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help install demo recipes night month test browser crash chaos check fix bench size constraints clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.dev ## Make the virtual environment, with what tests need

demo: $(VENV)/.installed ## Run the main job on the emulator: no key, no cost
	@$(BIN)/python -m backburner demo --serve

recipes: $(VENV)/.installed ## Run every recipe of examples/ on the emulator: no key, no cost
	@$(BIN)/python examples/recipes.py

night: $(VENV)/.installed ## Play a night on the emulator: the window opens at 23:00
	@$(BIN)/python examples/night/night.py

month: $(VENV)/.installed ## Play a month of calls on the emulator, sent in three ways
	@$(BIN)/python -m bench.month $(ARGS)

test: $(VENV)/.dev ## Run all tests
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q $(or $(ARGS),tests)

browser: $(VENV)/.dev ## Install Chromium where there is none, for the tests that open pages
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	  if command -v $$name > /dev/null; then exit 0; fi; \
	done; \
	echo "Installing Chromium ..."; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	  apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium > /dev/null; \
	else \
	  $(BIN)/python -m playwright install chromium; \
	fi

crash: $(VENV)/.dev ## Let whole lives die at every effect; `make test` dies at some of them
	@$(BIN)/python -m pytest -n auto --dist worksteal -q --every-effect $(wildcard tests/flows/test_crash*.py)

chaos: $(VENV)/.dev ## Kill and stop real processes at random, and judge: MINUTES=30 for long
	@$(BIN)/python tests/chaos --minutes $(MINUTES) $(ARGS)

check: $(VENV)/.dev ## Check format, lint, import contracts, types and dependencies
	@$(BIN)/ruff format --check --quiet . || { echo "format: run make fix"; exit 1; }
	@echo "format: ok"
	@printf "lint: " && $(BIN)/ruff check .
	@printf "contracts: " && $(BIN)/lint-imports --no-logo > $(VENV)/contracts.txt 2>&1 \
	  && echo "ok" || { cat $(VENV)/contracts.txt; exit 1; }
	@printf "types: " && $(BIN)/mypy
	@printf "dependencies: " && $(BIN)/deptry . > $(VENV)/deptry.txt 2>&1 \
	  && echo "ok" || { cat $(VENV)/deptry.txt; exit 1; }

fix: $(VENV)/.dev ## Format, and mend what the linter can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: $(VENV)/.installed ## Measure ours, the plain SDK script and the floor, side by side
	@$(BIN)/python -m bench $(ARGS)

size: $(VENV)/.pip ## Print the ten longest modules and functions
	@$(BIN)/python bench/size.py

constraints: $(VENV)/.pip ## Write constraints.txt anew, with the newest versions
	@rm -rf $(VENV)/fresh
	@$(BIN)/python -m venv $(VENV)/fresh
	@$(VENV)/fresh/bin/python -m pip --disable-pip-version-check -qq install --upgrade pip
	@$(VENV)/fresh/bin/python -m pip --disable-pip-version-check -qq install '.[keyring,notify,server,tables]' --group dev
	@sed -n '/^#/p' constraints.txt > $(VENV)/constraints.txt
	@$(VENV)/fresh/bin/python -m pip --disable-pip-version-check freeze --all \
	  --exclude backburner --exclude setuptools --exclude wheel >> $(VENV)/constraints.txt
	@mv $(VENV)/constraints.txt constraints.txt
	@rm -rf $(VENV)/fresh
	@echo "constraints.txt is new: run make test"

clean: ## Remove the virtual environment, caches and build output
	@rm -rf $(VENV) build dist bench/out .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# The steps below leave a file behind, so that a second call has nothing to do.

$(VENV)/.dev: $(VENV)/.installed
	@echo "Installing what tests need ..."
	@$(PIP) install -c constraints.txt --group dev
	@touch $@

$(VENV)/.installed: $(VENV)/.pip pyproject.toml constraints.txt
	@echo "Installing Backburner ..."
	@$(PIP) install $(PINS) -e '.[notify,server,tables]'
	@touch $@

# A usable environment that is there already is kept.
$(VENV)/.pip:
	@if ! $(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  found=; bare=; \
	  for name in "$(PYTHON)" python3.13 python3.12 python3.11 python3.14 python3; do \
	    "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    if "$$name" -c 'import ensurepip, venv' 2>/dev/null; then found=$$name; break; fi; \
	    [ -n "$$bare" ] || bare=$$("$$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  done; \
	  if [ -z "$$found" ] && [ -n "$$bare" ]; then \
	    echo "Python $$bare is here, but without ensurepip, which makes virtual environments." >&2; \
	    echo "On Debian and Ubuntu: apt-get install python$$bare-venv" >&2; \
	    exit 1; \
	  fi; \
	  if [ -z "$$found" ]; then \
	    echo "Backburner needs Python 3.11 or newer, and none was found." >&2; \
	    echo "On Debian and Ubuntu: apt-get install python3 python3-venv" >&2; \
	    echo "If it is somewhere else: make PYTHON=/path/to/python3.11" >&2; \
	    exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$("$$found" --version) ..."; \
	  "$$found" -m venv --clear $(VENV) || exit 1; \
	fi
	@$(PIP) install --upgrade -c constraints.txt pip
	@touch $@
