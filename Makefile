# Two commands: `make demo` (the main job on the bundled archive) and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo lab test test-lowest coverage mutation audit guard pictures lint types notebooks-clean clean

demo: $(VENV)/installed
	$(BIN)/mtasts-analysis demo -o out

# JupyterLab keeps its token: whoever can reach the port can run code.
lab: $(VENV)/installed
	$(BIN)/jupyter lab notebooks --ServerApp.tornado_settings='{"websocket_max_message_size": 1000000000}'

test: $(VENV)/installed-test
	$(BIN)/python -m pytest

# The suite again, at the lowest versions that pyproject.toml allows.
test-lowest: $(VENV)/installed-test
	$(BIN)/python -m tests.lowest

# Lines and branches of the package that the suite runs, in all its processes. What a process wrote that a test
# killed meanwhile is no data: combine says so, and it is removed.
coverage: $(VENV)/installed-lint
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	rm -f .coverage.*
	$(BIN)/coverage report

# Would a test fail if the code were wrong? Takes an hour.
mutation: $(VENV)/installed-lint
	$(BIN)/python -m tests.mutation

audit: $(VENV)/installed-lint
	$(BIN)/python -m tests.audit

# The loader's instructions beside those of a floor that checks nothing: valgrind counts them.
guard: $(VENV)/installed
	$(BIN)/python -m benchmarks.guard

# What README.md shows of the panel and of a write-up; needs Chromium.
pictures: $(VENV)/installed-test
	$(BIN)/python -m tests.browser.pictures

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
