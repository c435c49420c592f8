# Two commands set everything up: `make run` starts the emulator, `make test` checks it.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# What is installed: the releases of constraints.txt, unless a target at the end says otherwise. -qq prints errors only.
PINS = --constraint constraints.txt --build-constraint constraints.txt
INSTALL = $(BIN)/python -m pip install -qq $(PINS)
SOURCES = setup.cfg pyproject.toml constraints.txt

.PHONY: run test types demo bench format pages record answers clean constraints test-lowest test-newest

run: $(VENV)/run.stamp
	$(BIN)/modelarts-emulator start $(ARGS)

test: $(VENV)/test.stamp types
	$(BIN)/python -m pytest -n 2 $(ARGS)

types: $(VENV)/test.stamp
	$(BIN)/python -m mypy

demo: $(VENV)/demo.stamp
	$(BIN)/modelarts-emulator demo $(ARGS)

bench: $(VENV)/bench.stamp
	$(BIN)/python -m benchmarks $(ARGS)

format: $(VENV)/test.stamp
	$(BIN)/ruff format --config .ci/ruff.toml emulator tests benchmarks
	$(BIN)/ruff check --config .ci/ruff.toml --fix emulator tests benchmarks

# The pages of docs/ that are generated, and what they tell of the tests (the whole suite in one process).
pages: $(VENV)/test.stamp
	$(BIN)/python -m tests.pages

# What was recorded before is read by tests of the suite: what comes anew takes its place when all have passed.
record: $(VENV)/test.stamp
	rm -f $(VENV)/recorded.json
	$(BIN)/python -m pytest -p tests.recording --record $(VENV)/recorded.json $(ARGS)
	mv $(VENV)/recorded.json emulator/modelarts_emulator/control/recorded.json
	$(MAKE) pages

# What answers of the suite have always held and agreed in, and the options that nothing reads.
answers: $(VENV)/test.stamp
	$(BIN)/python -m pytest -p tests.answers -n 2 $(ARGS)

clean:
	rm -rf $(VENV) $(VENV)-lowest $(VENV)-newest build *.egg-info emulator/*.egg-info

# The pip that Python brings along is older than the option --build-constraint.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --upgrade --constraint constraints.txt pip

$(VENV)/run.stamp: $(VENV)/bin/python $(SOURCES)
	$(INSTALL) --editable .
	touch $@

$(VENV)/demo.stamp: $(VENV)/bin/python $(SOURCES)
	$(INSTALL) --editable ".[demo]"
	touch $@ $(VENV)/run.stamp

$(VENV)/test.stamp: $(VENV)/bin/python $(SOURCES)
	$(INSTALL) --editable ".[test]"
	touch $@ $(VENV)/run.stamp

$(VENV)/bench.stamp: $(VENV)/bin/python $(SOURCES)
	$(INSTALL) --editable ".[test,bench]"
	touch $@ $(VENV)/test.stamp $(VENV)/run.stamp

$(VENV)/bin/uv: $(VENV)/bin/python
	$(INSTALL) uv

# The newest releases that fit together, on every Python from 3.11 on. torch is left out: it would pin the drivers of a
# GPU, and builds for the CPU alone come from its own index.
EXTRAS = bench demo evaluation gguf parquet pins science sklearn tensorboard test tls xgboost
constraints: $(VENV)/bin/uv
	$(BIN)/uv pip compile setup.cfg $(EXTRAS:%=--extra %) --universal --python-version 3.11 --fork-strategy fewest \
	    --upgrade --no-annotate --custom-compile-command "make constraints" --quiet --output-file constraints.txt

# The suite with the oldest releases that setup.cfg allows, and with the newest that there are.
test-lowest: $(VENV)/bin/uv
	$(BIN)/uv pip compile setup.cfg --extra test --resolution lowest-direct --python $(BIN)/python \
	    --no-annotate --no-header --quiet --output-file $(VENV)/lowest.txt
	rm -f $(VENV)-lowest/*.stamp
	$(MAKE) VENV=$(VENV)-lowest PINS="--constraint $(VENV)/lowest.txt" $(VENV)-lowest/test.stamp
	$(VENV)-lowest/bin/python -m pytest -n 2 $(ARGS)

test-newest:
	rm -f $(VENV)-newest/*.stamp
	$(MAKE) VENV=$(VENV)-newest PINS="--upgrade --upgrade-strategy eager" $(VENV)-newest/test.stamp
	$(VENV)-newest/bin/python -m pytest -n 2 $(ARGS)
