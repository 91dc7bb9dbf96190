# Everything a newcomer needs is Python 3.11, 3.12 or 3.13 and make; the environment is built from uv.lock on first use.
PYTHON ?= python3
DEFAULT := .ripple/data/default
DATA ?= $(DEFAULT)
VENV := .venv
RIPPLE := $(VENV)/bin/ripple
CDNOW := .ripple/data/cdnow/Lifetimes-0.11.3-py3-none-any.whl
BENCHMARK := $(VENV)/bin/python -m benchmarks
# what differs between versions of Python if anything does: settings, models, numbers, arrays
QUICK := tests/ripple/test_settings.py tests/models tests/training/estimators tests/features/test_matrix.py
TESTS := OMP_NUM_THREADS=1 $(VENV)/bin/pytest -n 3 --dist loadfile --no-loadscope-reorder
export MLFLOW_DISABLE_TELEMETRY := true
# tests, Spark and the service start a hundred processes: without bytecode each compiles all it imports, for 5 s
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help train test test-313 serve report check lint types layers dependencies hooks mutants format clean \
	coverage docs layouts links screenshot site truth truth-experiments truth-real benchmarks bench-attribution bench-features \
	bench-export bench-foundation bench-init bench-level bench-limits bench-pipeline bench-publishing bench-reasons \
	bench-report bench-serving bench-startup bench-train bench-training
.DEFAULT_GOAL := help

help: ## explain every target
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'
	@echo "make train DATA=path trains on a dataset of yours instead of the simulated one in $(DEFAULT)."

# in the environment, so that no quote in it reaches the shell's eyes
export DATA SOURCE

train: $(VENV)/ready $(filter $(DEFAULT),$(DATA)) ## train on DATA, register a version (champion if it passes the gate), write the report
	@$(RIPPLE) train "$$DATA"

$(DEFAULT): | $(VENV)/ready
	@$(RIPPLE) simulate $@ --world default --customers 6000 --months 36 --seed 7

serve: $(VENV)/ready ## package the champion and serve it on http://127.0.0.1:3000
	@$(RIPPLE) serve

report: $(VENV)/ready ## open the report of the newest version, and print where it is
	@$(RIPPLE) report newest --open

test: $(VENV)/ready-dev ## run every test, on three processes, as one or another waits for a server
	@$(TESTS)

test-313: $(VENV)/bin/uv ## run a quick part of the tests on Python 3.13, if there is one
	@python=$$(PYENV_VERSION=3.13 python3.13 -c 'import sys; print(sys.executable)' 2>/dev/null) || \
	  { echo "there is no Python 3.13 on this machine: nothing was tried on it"; exit 0; }; \
	UV_PROJECT_ENVIRONMENT=$(VENV)-3.13 $(VENV)/bin/uv sync --quiet --frozen --python "$$python" && \
	OMP_NUM_THREADS=1 $(VENV)-3.13/bin/pytest -q $(QUICK)

coverage: $(VENV)/ready-dev ## run every test and list the lines that none of them reaches
	@$(TESTS) --cov --cov-report=term

check: lint types layers dependencies ## check all that can be read off the code, without running it

lint: $(VENV)/ready-dev ## check style, formatting and the lock file
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/uv lock --check

types: $(VENV)/ready-dev ## check types
	@$(VENV)/bin/mypy
	@$(VENV)/bin/mypy benchmarks docs .ci examples

layers: $(VENV)/ready-dev ## check that a layer imports only layers below it
	@$(VENV)/bin/lint-imports --no-cache

dependencies: $(VENV)/ready-dev ## check that what is imported is declared, and the other way round
	@$(VENV)/bin/deptry ripple features models serving simulation training
	@$(VENV)/bin/deptry benchmarks docs .ci examples tests --exclude '^$$' --known-first-party tests --ignore DEP002,DEP004

mutants: $(VENV)/ready-dev ## change MODULE, or all that decides on a model, in MOST small ways: which do tests not notice (an hour)
	@$(VENV)/bin/uv sync --quiet --frozen --inexact --group mutation
	@$(VENV)/bin/python .ci/mutants.py $(if $(MOST),--most $(MOST)) $(MODULE)

hooks: $(VENV)/ready-dev ## have git run these checks before each commit
	@$(VENV)/bin/pre-commit install

format: $(VENV)/ready-dev ## format the code
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

benchmarks: $(VENV)/ready-dev truth bench-pipeline ## hold the label against truth and the pipeline's cost against a floor: writes benchmarks/results

bench-attribution: $(VENV)/ready-dev ## measure the label of up to a million customers
	@$(BENCHMARK).attribution_cost

bench-features: $(VENV)/ready-dev ## measure the features at up to a million customers (an hour, 6 GB of disk)
	@$(BENCHMARK).feature_cost

bench-foundation: $(VENV)/ready-dev ## measure capture and level on the Foundation extract in SOURCE: writes its section of docs/real.md
	@$(BENCHMARK).real.foundation_capture "$$SOURCE"

bench-init: $(VENV)/ready-dev ## measure proposing a mapping for up to a hundred million rows (5 minutes, 2 GB of disk)
	@$(BENCHMARK).init_cost

bench-level: $(VENV)/ready-dev $(filter $(DEFAULT),$(DATA)) ## measure why total network value rises in known worlds and in DATA, and how well its total is forecast (30 minutes)
	@OMP_NUM_THREADS=1 $(BENCHMARK).level.run --data "$$DATA"

bench-pipeline: $(VENV)/ready-dev ## measure features, label and checks against one scan of the events
	@$(BENCHMARK).pipeline_cost

bench-limits: $(VENV)/ready-dev ## measure what the dearest requests that are admitted cost, and others meanwhile (3 minutes)
	@$(BENCHMARK).endpoint.request_limits

bench-export: $(VENV)/ready-dev ## measure exporting a million customers against reading and writing them (8 minutes, 6 GB of memory)
	@$(BENCHMARK).endpoint.export_cost

bench-publishing: $(VENV)/ready-dev ## measure publishing and scoring a million customers (10 minutes, 6 GB of memory)
	@$(BENCHMARK).endpoint.publishing_cost

bench-reasons: $(VENV)/ready-dev ## measure what reasons cost against shap and LightGBM itself
	@OMP_NUM_THREADS=1 $(BENCHMARK).shap_cost

bench-report: $(VENV)/ready-dev ## measure writing the report for up to a million customers
	@$(BENCHMARK).report_cost

bench-serving: $(VENV)/ready-dev ## measure what an answer of the service costs against a floor and two peers (15 minutes)
	@$(BENCHMARK).endpoint.answer_cost

bench-startup: $(VENV)/ready-dev ## measure how long the service takes until it is ready
	@$(BENCHMARK).endpoint.startup_cost

bench-train: $(VENV)/ready-dev ## measure the whole of `ripple train`, stage by stage, at up to 100,000 customers (half an hour)
	@$(BENCHMARK).train_cost

bench-training: $(VENV)/ready-dev ## measure fitting both heads on up to ten million rows
	@$(BENCHMARK).training_cost

truth: $(VENV)/ready-dev ## hold the label and simpler rankings against known truth: writes docs/truth.md, and what reports quote of it
	@$(BENCHMARK).truth --baselines
	@$(VENV)/bin/python docs/generate.py # reports quote the figures

truth-experiments: $(VENV)/ready-dev ## hold the read-out of experiments against known effects: writes its section of docs/truth.md (10 minutes)
	@OMP_NUM_THREADS=1 $(BENCHMARK).truth.experiments_page

$(CDNOW): | $(VENV)/ready-dev
	@$(VENV)/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --dest $(dir $@) lifetimes==0.11.3

truth-real: $(VENV)/ready-dev ## on real data: direct value on CDNOW (SOURCE, or the wheel of lifetimes), the label on the experiment in INSURANCE_DATA, and all of it on FOUNDATION_DATA: writes docs/real.md (15 minutes)
	@test -n "$$SOURCE" || $(MAKE) --no-print-directory $(CDNOW)
	@OMP_NUM_THREADS=1 $(BENCHMARK).real.cdnow "$${SOURCE:-$(CDNOW)}"
	@if test -n "$$INSURANCE_DATA"; then OMP_NUM_THREADS=1 $(BENCHMARK).real.insurance "$$INSURANCE_DATA" && \
	  $(BENCHMARK).real.insurance_readout "$$INSURANCE_DATA"; \
	  else echo "INSURANCE_DATA is not set: the sections of the village insurance experiment stay as they are" >&2; fi
	@if test -n "$$FOUNDATION_DATA"; then OMP_NUM_THREADS=1 $(BENCHMARK).real.foundation_capture "$$FOUNDATION_DATA"; \
	  else echo "FOUNDATION_DATA is not set: the section of Foundation stays as it is" >&2; fi

docs: $(VENV)/ready-dev ## write the pages that are read off the code
	@$(VENV)/bin/python docs/generate.py

site: $(VENV)/ready-dev ## make a site of docs/, which needs no network, and print where it is
	@$(VENV)/bin/sphinx-build --quiet --fail-on-warning --keep-going docs .ripple/site
	@echo .ripple/site/index.html

links: $(VENV)/ready-dev ## ask for every page elsewhere that docs/ links to (needs a network)
	@$(VENV)/bin/sphinx-build --quiet --builder linkcheck docs .ripple/links

screenshot: $(VENV)/ready-dev ## take the README's picture of the champion's report (needs Chromium)
	@$(VENV)/bin/python docs/screenshot.py

layouts: $(VENV)/ready-dev ## take how the report looks now for how it should look (needs Chromium)
	@RIPPLE_LAYOUTS=write $(VENV)/bin/pytest -q -k looks_as_it_did tests/training/report/test_layout.py

clean: ## remove the environment, and all runs, models and reports
	rm -rf $(VENV) $(VENV)-3.13 .ripple .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage

$(VENV)/bin/uv:
	@echo "creating the environment in $(VENV)" >&2
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else \
	  f"Python 3.11, 3.12 or 3.13 is needed, this is {sys.version.split()[0]}: make PYTHON=python3.11 ...")'
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/ready: uv.lock pyproject.toml | $(VENV)/bin/uv
	@$(VENV)/bin/uv sync --frozen --inexact --no-dev --extra train --extra serve
	@touch $@

$(VENV)/ready-dev: uv.lock pyproject.toml | $(VENV)/bin/uv
	@$(VENV)/bin/uv sync --frozen --inexact
	@touch $@ $(VENV)/ready
