# The commands of this project; `make` alone lists them. Needed beforehand: Python 3.11 or newer, and make.
#
# Everything is installed into .venv, from the hash-locked lists in requirements/. A stamp file per list, named by the
# list's checksum, says that it is installed: a changed list installs itself, an unchanged one costs nothing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

checksum = $(firstword $(shell cat $(1) 2>/dev/null | cksum))
MADE := $(VENV)/.made
RUNTIME := $(VENV)/.runtime-$(call checksum,requirements/runtime.txt pyproject.toml)
DEV := $(VENV)/.dev-$(call checksum,requirements/dev.txt pyproject.toml)

# An environment is worth nothing, whatever its stamps say, when its interpreter is gone or too old, or when it was made
# for another folder: its programs name that one.
WORKS := $(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	{ [ ! -e $(MADE) ] || [ "$$(cat $(MADE))" = "$(CURDIR)" ]; }
ifneq ($(shell $(WORKS) && echo yes),yes)
.PHONY: $(MADE)
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help serve otel test check lint format lock train eval bench bench-peers soak stress clients bench-engine soak-engine clean

help:  ## List these commands
	@echo 'make COMMAND [NAME=value ...]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

serve: $(RUNTIME)  ## Start the platform, installing it first; takes PORT= DATA= CONFIG= WORKERS=
	@exec $(BIN)/setaria $${DATA:+--data "$$DATA"} $${CONFIG:+--config "$$CONFIG"} serve \
		$${PORT:+--port "$$PORT"} $${WORKERS:+--workers "$$WORKERS"}

otel: $(RUNTIME)  ## Install what sending traces to a collector needs (telemetry.otlp_endpoint)
	@$(INSTALL) requirements/otel.txt

test: $(DEV)  ## Run every test, with the coverage gate; as root, install PostgreSQL for them where it is missing
	@tools/install_system.sh
	@$(BIN)/python -m pytest --cov

check: lint  ## Check form, types and architecture, in seconds: what each commit passes
	@$(BIN)/python -m pytest -q tests/test_architecture.py

lint: $(DEV)  ## Check form (ruff) and types (mypy)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(DEV)  ## Bring the code into form
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

lock: $(DEV)  ## Make requirements/ anew from pyproject.toml; UPGRADE=1 also takes newer versions
	@$(LOCK) --extra local --group build --output-file requirements/runtime.txt
	@$(LOCK) --extra local --extra otel --constraints requirements/runtime.txt --output-file requirements/otel.txt
	@$(LOCK) --extra local --extra otel --group dev --constraints requirements/otel.txt --output-file requirements/dev.txt

train: $(TRAINER)  ## Train the built-in model (about two hours; goes on where it stopped), then export and install it
	@PYTHONPATH=src OMP_WAIT_POLICY=PASSIVE MALLOC_ARENA_MAX=1 ONEDNN_PRIMITIVE_CACHE_CAPACITY=48 nice -n 19 $(TRAINER) -m training.train
	@PYTHONPATH=src $(TRAINER) -m training.export --install

eval: $(DEV)  ## Measure the built-in model on the development set; SET=frozen for the one that is never tuned on
	@PYTHONPATH=src $(BIN)/python -m training.evaluate --set $(or $(SET),development)

bench: $(RUNTIME)  ## Measure CPU, latency and memory beside nginx (needs gcc, nginx and taskset); ROUNDS= STREAMS=
	@$(BIN)/python bench/run.py --rounds $(or $(ROUNDS),3) --streams $(or $(STREAMS),1000 5000)

bench-peers: $(RUNTIME)  ## Measure LiteLLM's proxy, installed from PyPI into ~/.cache/setaria-peers, beside nginx and Setaria
	@$(BIN)/python bench/peers.py

soak: $(DEV)  ## Mixed faults for minutes: nothing may hang, leak or be lost; takes MINUTES= CLIENTS= WORKERS=
	@$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),10) --clients $(or $(CLIENTS),48) --workers $(or $(WORKERS),2)

stress: $(DEV)  ## Money under kills and a lost database, many clients at once; takes DATABASE=postgresql CALLS= CLIENTS= WORKERS=
	@$(BIN)/python -m tests.stress --database $(or $(DATABASE),sqlite) --calls $(or $(CALLS),20000) --clients $(or $(CLIENTS),200) \
		--workers $(or $(WORKERS),4)

clients: $(DEV)  ## Run real tools (Claude Code, OpenCode and others, from npm and PyPI) through the platform; TOOLS='claude cline'
	@$(BIN)/python -m tests.clients $(TOOLS)

bench-engine: $(RUNTIME)  ## Measure the built-in engine against its gates; MODEL= for another folder
	@$(BIN)/python bench/engine_speed.py $${MODEL:+--model "$$MODEL"}

soak-engine: $(RUNTIME)  ## Call the engine at random for MINUTES= (120) and see that its memory stays; SHARE= of a core
	@$(BIN)/python bench/soak_engine.py --minutes $(or $(MINUTES),120) --share $(or $(SHARE),1.0)

clean:  ## Remove caches and build products; .venv and data folders stay
	rm -rf .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find src tests tools -name __pycache__ -prune -exec rm -rf {} +

# One list for every platform and for Python 3.11 and newer; it names no registry, so pip uses the one it is set up for.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade) pyproject.toml

# Training has an environment of its own, outside the checkout: it needs packages that running Setaria does not.
TRAINING := $(or $(SETARIA_TRAINING),$(HOME)/.cache/setaria-training)
TRAINER := $(TRAINING)/venv/bin/python

$(TRAINER): training/requirements.txt
	@$(PYTHON) -m venv $(TRAINING)/venv
	@$(TRAINING)/venv/bin/pip install --requirement $<
	@touch $@

# The lists are complete, so pip resolves nothing (--no-deps) and takes nothing that a list does not know (hashes).
INSTALL := $(PIP) install --no-deps --require-hashes --requirement

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Setaria needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing)." >&2; \
		echo 'Name another one: make PYTHON=/path/to/python3.11 ...' >&2; exit 1; }
	@$(WORKS) || { echo 'Making $(VENV) ...'; $(PYTHON) -m venv --clear $(VENV); }
	@echo '$(CURDIR)' >$@

$(RUNTIME): $(MADE)
	@rm -f $(VENV)/.runtime-*
	@echo 'Installing Setaria into $(VENV) (once; about a minute) ...'
	@$(INSTALL) requirements/runtime.txt
	@$(PIP) install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

$(DEV): $(RUNTIME)
	@rm -f $(VENV)/.dev-*
	@echo 'Installing the tools for development ...'
	@$(INSTALL) requirements/dev.txt
	@touch $@
