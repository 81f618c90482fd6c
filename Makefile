# Every target does its own set-up: Python 3.11+ and make are all that a machine needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Processes of the tests.
JOBS ?= 2
CONFIG ?= experiments/demo.py
WORKDIR ?= runs/demo
# torch is pinned in the lock; give PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu for its small CPU build.
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q
COMPILE := uv pip compile --universal --python-version 3.11 --no-header --no-annotate -q

.PHONY: help venv demo test test-all bench report lock clean
.DEFAULT_GOAL := help

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(VENV)/.installed  ## .venv from requirements.lock

$(VENV)/.installed: requirements.lock requirements-tpu.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --no-deps -r requirements.lock
	$(PIP) --no-deps --upgrade --target $(VENV)/tpu -r requirements-tpu.txt
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed requirements-test.lock
	$(PIP) -c requirements.lock -r requirements-test.lock
	@touch $@

demo: venv  ## the main job: real text to a trained mixture, in runs/demo
	@$(BIN)/python -m launch.pipeline --config=$(CONFIG) --workdir=$(WORKDIR)

test: $(VENV)/.installed-test  ## the tests (under 10 minutes on 2 cores)
	$(BIN)/python -m pytest -m "not slow" -n $(JOBS) --dist loadfile

test-all: $(VENV)/.installed-test  ## the tests, slow ones too
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

bench: $(VENV)/.installed-test  ## what README and docs claim of speed, measured here
	$(BIN)/python -m benchmarks.train_step
	$(BIN)/python -m benchmarks.data_pipeline

report: venv  ## the report of WORKDIR again
	@$(BIN)/python -m launch.report --config=$(CONFIG) --workdir=$(WORKDIR)

lock:  ## requirements*.lock anew from requirements*.txt (needs uv)
	$(COMPILE) requirements.txt -o requirements.lock
	$(COMPILE) -c requirements.lock requirements-test.txt | grep -vxFf requirements.lock \
	  | grep -vE '^(nvidia|cuda|triton)' > requirements-test.lock

clean:  ## removes the venv and the runs
	rm -rf $(VENV) runs
