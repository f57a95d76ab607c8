# Two commands: `make demo` (the main job on the bundled archive) and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo lab test lint types notebooks-clean clean

demo: $(VENV)/installed
	$(BIN)/mtasts-analysis demo -o out

# JupyterLab keeps its token: whoever can reach the port can run code.
lab: $(VENV)/installed
	$(BIN)/jupyter lab notebooks

test: $(VENV)/installed-test
	$(BIN)/python -m pytest

lint: $(VENV)/installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-lint
	$(BIN)/mypy

notebooks-clean: $(VENV)/installed
	$(BIN)/python tests/notebooks/committed.py notebooks

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[all]'
	touch $@

$(VENV)/installed-test: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@ $(VENV)/installed

$(VENV)/installed-lint: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[lint]'
	touch $@ $(VENV)/installed-test $(VENV)/installed

clean:
	rm -rf $(VENV) out build dist
