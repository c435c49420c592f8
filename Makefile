# Two commands set everything up: `make run` starts the emulator, `make test` checks it.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: run test demo bench format clean

run: $(VENV)/run.stamp
	$(BIN)/modelarts-emulator start $(ARGS)

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest -n 2 $(ARGS)

demo: $(VENV)/demo.stamp
	$(BIN)/modelarts-emulator demo $(ARGS)

bench: $(VENV)/bench.stamp
	$(BIN)/python -m benchmarks $(ARGS)

format: $(VENV)/test.stamp
	$(BIN)/ruff format --config .ci/ruff.toml emulator tests benchmarks
	$(BIN)/ruff check --config .ci/ruff.toml --fix emulator tests benchmarks

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/run.stamp: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/demo.stamp: $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --editable ".[demo]"
	touch $@

$(VENV)/test.stamp: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@ $(VENV)/run.stamp

$(VENV)/bench.stamp: $(VENV)/test.stamp
	$(BIN)/python -m pip install --quiet "moto[server]" gevent waitress
	touch $@
