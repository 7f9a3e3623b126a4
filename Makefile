# Each target is complete by itself: it makes .venv, installs the locked packages and draws the data that are missing.
#   make run PROFILE=full           make run DATA=real RAW=~/Downloads           make lab PYTHON=python3.12

PYTHON  ?= python3
PROFILE ?= quick
PYTHON312 ?= python3.12
DATA    ?= embedded
RAW     ?=
DATASET ?=
BRANCH  ?=
N       ?=
SUBMISSIONS ?= submissions
ASSIGNMENT ?=
PRIVATE ?=
DOWNLOAD ?=
EXPORT  ?=
PORT    ?= 8501
# processes of the tests: they wait about a third of their time, so one more than the two cores of a laptop, given memory
WORKERS ?= $(shell awk '/^MemAvailable/ {print ($$2 > 12000000) ? 3 : 2}' /proc/meminfo 2>/dev/null || echo 2)
BUNDLES ?= $(or $(COURSE_RESULTS),results)/bundles
export COURSE_DATA ?= $(CURDIR)/data

ifeq ($(OS),Windows_NT)
  $(error On Windows follow the README's steps without make, or use WSL)
endif

VENV     := .venv
PY       := $(VENV)/bin/python
READY    := $(VENV)/.installed
NOTEBOOKS := notebooks data_prework
IN_FULL  := $$(grep -l "^from tests.weekly import" -r tests --include="test_*.py")
SOLAR    := $(shell grep -o 'elpv-dataset==[^"]*' pyproject.toml)
SETTINGS  = $(if $(PRIVATE),--settings "$(PRIVATE)/settings.toml")
GRADES    = --out build/grades $(SETTINGS)
AUDIT    := build/ipython/profile_default/startup
NBVAL     = COURSE_PROFILE=quick COURSE_SOURCE=embedded COURSE_DATASET= COURSE_RESULTS="$(CURDIR)/build/test-results" \
  IPYTHONDIR="$(CURDIR)/build/ipython" $(PY) -m pytest -q -p no:cacheprovider -p tests.notebooks.forked_nbval \
  --nbval-lax --nbval-current-env --nbval-cell-timeout=300

.DEFAULT_GOAL := help
.PHONY: help run lesson lab app site outputs bench assignments grade new-lesson test check lint test-code \
  test-notebooks test-lab test-lowest test-newest test-colab weekly links data solar lock clean

help:  ## List what make can do
	@echo "make TARGET   (PROFILE=quick|full   DATA=embedded|real   RAW=folder of raw data   DATASET=yours   PYTHON=python3.12)"
	@sed -n -e 's/^#: /\n/p' -e 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 18

#: Learn

run: $(READY) data  ## Run every notebook; executed copies and HTML pages go to build/
	@$(PY) -m helpers.course run --profile $(PROFILE) --data $(DATA) $(if $(RAW),--raw "$(RAW)") \
	  $(if $(DATASET),--dataset "$(DATASET)") --out build

# helpers/course/lab has the settings of a lesson: no buttons for grading, no question about news. Yours come first.
lab: $(READY) data  ## Open JupyterLab at the first notebook, on localhost with its token
	@JUPYTER_CONFIG_PATH="$(CURDIR)/helpers/course/lab$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" $(PY) -m jupyter lab \
	  --ServerApp.ip=localhost --ServerApp.root_dir="$(CURDIR)" notebooks/00_start/1_first_network.ipynb

solar: $(READY)  ## Real photographs of solar cells for the lessons on them (91 MB, CC BY-NC-SA 4.0: not commercial)
	@echo "The photographs of solar cells (Buerhop-Lutz, Deitsch and others) are under the licence CC BY-NC-SA 4.0:"
	@echo "not for commercial use, name the authors, share what you make of the images under the same licence."
	@test -f "$$COURSE_DATA/solar_cells/manifest.csv" || { \
	  { $(PY) -m uv pip install -q --python $(PY) --no-deps "$(SOLAR)" 2>/dev/null || \
	    $(PY) -m pip install -q --disable-pip-version-check --no-deps "$(SOLAR)"; } && \
	  $(PY) -m data_prework prepare solar_cells; }

site: $(READY)  ## Build a site to read from the stored notebooks, offline: build/site/index.html
	@$(PY) -m helpers.course site --out build/site

.PHONY: pdf
pdf: $(READY)  ## Print the lessons and case studies into one PDF, offline, with Chromium or Chrome: build/course.pdf
	@$(PY) -m helpers.course pdf --out build/course.pdf

app: $(READY)  ## The app of lesson 9.1 on this computer; BUNDLES= is the folder that the lesson filled, PORT= another port
	@$(PY) -m helpers.deploy app "$(BUNDLES)" --port "$(PORT)"

#: Teach

.PHONY: student slides private collect review totals gradebook feedback similarity
student: $(READY)  ## The lessons for students, without outputs, solutions and answers: build/student, build/student.zip
	@$(PY) -m helpers.course student --out build/student --branch "$(BRANCH)"

slides: $(READY)  ## Slides of the lessons with speaker notes, offline: build/slides/index.html
	@$(PY) -m helpers.course slides --out build/slides

assignments: $(READY) data  ## Exercises for students with an archive to hand out, and solutions: build/exercises (PRIVATE=)
	@$(PY) -m helpers.course assignments --out build/exercises $(SETTINGS)

private: $(READY)  ## A private copy of the exercises to change, with new seeds: PRIVATE=../my-exercises
	@test -n "$(PRIVATE)" || { echo "where to? make private PRIVATE=../my-exercises"; exit 1; }
	@$(PY) -m helpers.course private "$(PRIVATE)"

collect: $(READY)  ## Sort a DOWNLOAD= of Moodle or Canvas into SUBMISSIONS=: ASSIGNMENT=01_explore
	@$(PY) -m helpers.course collect "$(DOWNLOAD)" "$(SUBMISSIONS)" --assignment "$(ASSIGNMENT)" $(SETTINGS)

grade: $(READY) data  ## Grade SUBMISSIONS=folder behind a wall, or UNPROTECTED=1 without: build/grades (PRIVATE=)
	@$(PY) -m helpers.course grade "$(SUBMISSIONS)" $(GRADES) $(if $(ASSIGNMENT),--assignment "$(ASSIGNMENT)") \
	  $(if $(UNPROTECTED),--unprotected)

review: $(READY)  ## Grade the open questions on a local page that keeps the points; then make grade again
	@$(PY) -m helpers.course review $(GRADES)

totals: $(READY)  ## Totals of the course with late days; who has not handed in: build/grades/totals.csv
	@$(PY) -m helpers.course totals "$(SUBMISSIONS)" $(GRADES) $(if $(ASSIGNMENT),--assignment "$(ASSIGNMENT)")

gradebook: $(READY)  ## Points into the table that Moodle or Canvas exported: EXPORT=file.csv ASSIGNMENT=01_explore
	@$(PY) -m helpers.course gradebook "$(EXPORT)" "$(SUBMISSIONS)" --assignment "$(ASSIGNMENT)" $(GRADES)

feedback: $(READY)  ## Release the feedback pages of ASSIGNMENT=01_explore, each student's own: build/grades/release
	@$(PY) -m helpers.course feedback "$(SUBMISSIONS)" --assignment "$(ASSIGNMENT)" $(GRADES)

similarity: $(READY)  ## Which submissions are alike by their answers: build/grades/similarity.csv
	@$(PY) -m helpers.course similarity "$(SUBMISSIONS)" $(GRADES)

new-lesson: $(READY) data  ## A notebook that passes every check, to begin from: NAME=11_segmentation
	@$(PY) -m helpers.course new-lesson "$(NAME)"

links: $(READY)  ## Write links to Colab, Kaggle and Binder into the notebooks, from the git remote
	@$(PY) -m helpers.course links

#: Contribute

test: lint test-code test-notebooks  ## ruff, pytest, and nbval on all notebooks

check: lint  ## The fast part of the tests, in under a minute: metrics, plots, results, and every notebook's shape
	@$(PY) -m pytest -q -p no:cacheprovider tests/helpers/metrics tests/helpers/plots tests/helpers/test_results.py \
	  tests/data_prework/test_split.py tests/data_prework/test_group.py tests/data_prework/test_files.py \
	  tests/notebooks/test_notebooks.py tests/notebooks/test_reference_projects.py tests/test_environment.py

lesson: $(READY) data  ## Run and check one lesson in the quick profile: make lesson N=03_convolutions/2, or N=case_studies/cracks
	@test -n "$(N)" || { echo "which lesson? make lesson N=03_convolutions/2, or N=case_studies/cracks"; exit 1; }
	@$(PY) -m helpers.course run --profile $(PROFILE) $(if $(DATASET),--dataset "$(DATASET)") --out build notebooks/$(N)*.ipynb
	@$(PY) -m pytest -q -p no:cacheprovider tests/notebooks/test_notebooks.py -k "$(notdir $(N))"

lint: $(READY)  ## ruff: format and rules
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .

test-code: $(READY) data  ## pytest alone
	@$(PY) -m pytest -q -n $(or $(WORKERS),2) --dist loadscope --no-loadscope-reorder tests

test-notebooks: $(READY) data  ## nbval alone: all notebooks in the quick profile
	@mkdir -p $(AUDIT) && cp tests/notebooks/audit.py $(AUDIT)/
	@$(NBVAL) -n 2 --dist loadscope $(NOTEBOOKS)

weekly: $(READY) data  ## Once a week: new kernels and graphs, the lowest versions, each Python that is here, the long tests in full
	@COURSE_GRAPHS=always $(PY) -m helpers.course run --profile quick --data embedded --cold --out build/weekly
	@$(MAKE) test-lowest
	@for python in python3.11 python3.12 python3.13; do \
	  if $$python -c "" 2>/dev/null; then $(MAKE) check PYTHON=$$python VENV=build/$$python || exit 1; \
	  else echo "$$python is not here"; fi; done
	@COURSE_TESTS=all $(PY) -m pytest -q -p no:cacheprovider -n 2 --dist loadscope $(IN_FULL)

test-lab: $(READY) data  ## Lessons 0.1, 05 and an exercise in a real JupyterLab in headless Chromium (minutes)
	@LAB_LESSONS="00_start/1 05" $(PY) -m pytest -q -s tests/lab

test-lowest: .venv-lowest/.installed data  ## The helpers' tests with the lowest allowed versions
	@.venv-lowest/bin/python -m pytest -q -p no:cacheprovider -n 2 --dist loadscope tests/helpers

test-newest: data  ## Every notebook in quick with the newest packages; the table names the lesson that breaks
	@rm -rf .venv-newest && $(PYTHON) -m venv .venv-newest
	@.venv-newest/bin/python -m pip install -q --disable-pip-version-check --upgrade -e ".[dev]"
	@.venv-newest/bin/python -m pip list --disable-pip-version-check | grep -iE '^(tensorflow|keras|keras-tuner|numpy|scikit-learn) '
	@.venv-newest/bin/python -m helpers.course run --profile quick --out build/newest

test-colab: $(READY)  ## Every notebook as on Colab: Python 3.12, its versions, nothing but the first cell (PYTHON312=python3.12)
	@$(PY) -m tests.colab.run --python "$(PYTHON312)"

outputs: $(READY) data  ## Run the notebooks that have changed in the full profile and store the outputs in place
	@$(PY) -m helpers.course outputs --out build

bench: $(READY) data  ## Measure speed and scores here, into tests/bench/RESULTS.md (two hours; RAW= for real images)
	@$(PY) -m tests.bench $(if $(RAW),--raw "$(RAW)")

data: $(READY)  ## Draw and prepare the embedded data sets that are missing
	@for name in chest_xray concrete_cracks monuments; do \
	  test -f "$$COURSE_DATA/embedded/$$name/manifest.csv" || $(PY) -m data_prework prepare $$name --embedded || exit 1; \
	done

lock: $(READY)  ## Write requirements.lock anew from pyproject.toml (for Python 3.11 to 3.13; names no index)
	@$(PY) -m uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade --no-annotate \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -q -o requirements.lock

clean:  ## Remove build/ and the environments; data and results stay
	rm -rf build $(VENV) .venv-lowest .venv-newest

# uv installs in seconds what takes pip a minute; where it can't, pip does it
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Python 3.11 to 3.13 is needed, $(PYTHON) is {v[0]}.{v[1]}. Try: make $(MAKECMDGOALS) PYTHON=python3.12")'
	@echo "installing into $(VENV) (once)"
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install -q --disable-pip-version-check "$$(grep '^uv==' requirements.lock)" 2>/dev/null && \
	  $(PY) -m uv pip install -q --python $(PY) --compile-bytecode -r requirements.lock 2>/dev/null || \
	  $(PY) -m pip install -q --disable-pip-version-check -r requirements.lock
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
