# Each target is complete by itself: it makes .venv, installs the locked dependencies and draws the data that are missing.
#   make run PROFILE=full           make run DATA=real RAW=~/Downloads           make lab PYTHON=python3.12

PYTHON  ?= python3
PROFILE ?= quick
PYTHON312 ?= python3.12
DATA    ?= embedded
RAW     ?=
SUBMISSIONS ?= submissions
BUNDLES ?= $(or $(COURSE_RESULTS),results)/bundles
export COURSE_DATA ?= $(CURDIR)/data

ifeq ($(OS),Windows_NT)
  $(error On Windows follow the README's steps without make, or use WSL)
endif

VENV     := .venv
PY       := $(VENV)/bin/python
READY    := $(VENV)/.installed
EMBEDDED := $(COURSE_DATA)/embedded/chest_xray/manifest.csv \
            $(COURSE_DATA)/embedded/concrete_cracks/manifest.csv \
            $(COURSE_DATA)/embedded/monuments/manifest.csv
NOTEBOOKS := notebooks data_prework
AUDIT    := build/ipython/profile_default/startup

.DEFAULT_GOAL := help
.PHONY: help run test lab app site outputs bench assignments grade lint test-code test-notebooks test-lab test-lowest test-newest test-colab links new-lesson data lock clean

help:  ## List what make can do
	@echo "make TARGET   (PROFILE=quick|full   DATA=embedded|real   RAW=folder of raw data   PYTHON=python3.12)"
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 18

run: $(READY) $(EMBEDDED)  ## Run every notebook; executed copies and HTML pages go to build/
	@$(PY) -m helpers.course run --profile $(PROFILE) --data $(DATA) $(if $(RAW),--raw "$(RAW)") --out build

test: lint test-code test-notebooks  ## ruff, pytest, and nbval on all notebooks

lab: $(READY) $(EMBEDDED)  ## Open JupyterLab at the first notebook, on localhost with its token
	@$(PY) -m jupyter lab --ServerApp.ip=localhost --ServerApp.root_dir="$(CURDIR)" notebooks/00_start_here.ipynb

app: $(READY)  ## The app of lesson 09 on this computer; BUNDLES= is the folder that the lesson filled
	@$(PY) -m helpers.app "$(BUNDLES)"

site: $(READY)  ## Build a site to read from the stored notebooks, offline: build/site/index.html
	@$(PY) -m helpers.site --out build/site

outputs: $(READY) $(EMBEDDED)  ## Run every notebook in the full profile and store the outputs in place
	@$(PY) -m helpers.course outputs --out build

bench: $(READY) $(EMBEDDED)  ## Measure speed and scores here, into tests/bench/RESULTS.md (two hours; RAW= for real images)
	@$(PY) -m tests.bench $(if $(RAW),--raw "$(RAW)")

assignments: $(READY) $(EMBEDDED)  ## Students' versions of the exercises, and the solutions, in build/exercises
	@$(PY) -m helpers.exercises build --out build/exercises

grade: $(READY) $(EMBEDDED)  ## Grade SUBMISSIONS=folder; marks, open answers and feedback go to build/grades
	@$(PY) -m helpers.exercises grade "$(SUBMISSIONS)" --out build/grades

lint: $(READY)  ## ruff: format and rules
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .

test-code: $(READY) $(EMBEDDED)  ## pytest alone
	@$(PY) -m pytest -q -n 2 --dist loadscope tests

test-notebooks: $(READY) $(EMBEDDED)  ## nbval alone: all notebooks in the quick profile
	@mkdir -p $(AUDIT) && cp tests/notebooks/audit.py $(AUDIT)/
	@COURSE_PROFILE=quick COURSE_SOURCE=embedded COURSE_RESULTS=$(CURDIR)/build/test-results IPYTHONDIR=$(CURDIR)/build/ipython \
	  $(PY) -m pytest -q -p no:cacheprovider --nbval-lax --nbval-current-env --nbval-cell-timeout=300 -n 2 --dist loadscope $(NOTEBOOKS)

test-lab: $(READY) $(EMBEDDED)  ## Lessons 00, 05, 08 and an exercise in a real JupyterLab in headless Chromium (minutes)
	@LAB_LESSONS="00 05 08" $(PY) -m pytest -q -s tests/lab

test-lowest: .venv-lowest/.installed $(EMBEDDED)  ## The helpers' tests with the lowest allowed versions
	@.venv-lowest/bin/python -m pytest -q -p no:cacheprovider -n 2 --dist loadscope tests/helpers

test-newest: $(EMBEDDED)  ## Every notebook in quick with the newest packages; the table names the lesson that breaks
	@rm -rf .venv-newest && $(PYTHON) -m venv .venv-newest
	@.venv-newest/bin/python -m pip install -q --disable-pip-version-check --upgrade -e ".[dev]"
	@.venv-newest/bin/python -m pip list --disable-pip-version-check | grep -iE '^(tensorflow|keras|keras-tuner|numpy|scikit-learn) '
	@.venv-newest/bin/python -m helpers.course run --profile quick --out build/newest

test-colab: $(READY)  ## Every notebook as on Colab: Python 3.12, its versions, nothing but the first cell (PYTHON312=python3.12)
	@$(PY) -m tests.colab.run --python "$(PYTHON312)"

links: $(READY)  ## Write links to Colab, Kaggle and Binder into the notebooks, from the git remote
	@$(PY) -m helpers.links

new-lesson: $(READY) $(EMBEDDED)  ## A notebook that passes every check, to begin from: NAME=11_segmentation
	@$(PY) -m helpers.new_lesson "$(NAME)"

data: $(READY) $(EMBEDDED)  ## Draw and prepare the embedded data sets that are missing

lock: $(READY)  ## Write requirements.lock anew from pyproject.toml (for Python 3.11 to 3.13; names no index)
	@$(PY) -m uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade --no-annotate \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -q -o requirements.lock

clean:  ## Remove build/ and the environments; data and results stay
	rm -rf build $(VENV) .venv-lowest .venv-newest

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Python 3.11 to 3.13 is needed, $(PYTHON) is {v[0]}.{v[1]}. Try: make $(MAKECMDGOALS) PYTHON=python3.12")'
	@echo "installing into $(VENV) (a few minutes, once)"
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install -q --disable-pip-version-check -r requirements.lock
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv-lowest/.installed: $(READY) pyproject.toml
	@echo "installing the lowest allowed versions into .venv-lowest"
	@mkdir -p build
	@$(PY) -m uv pip compile pyproject.toml --extra test --resolution lowest-direct --no-build --no-annotate --no-header -q \
	  --python $(PY) -o build/lowest.txt
	@test -x .venv-lowest/bin/python || $(PY) -m venv .venv-lowest
	@.venv-lowest/bin/python -m pip install -q --disable-pip-version-check -r build/lowest.txt
	@touch $@

$(COURSE_DATA)/embedded/%/manifest.csv: | $(READY)
	@$(PY) -m data_prework prepare $* --embedded
