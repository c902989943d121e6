# Needs only make and Python; each command makes its own environment.
PYTHON ?= python3
DEMO := .venv/demo
TEST := .venv/test
BIN := $(TEST)/bin
# Tests run side by side; most of them wait for a server now and then, so one more than there are
# cores on a small machine. JOBS=0 runs one at a time.
JOBS ?= 3
# The order is that of tests/conftest.py.
SIDE_BY_SIDE := -n $(JOBS) --dist loadscope --no-loadscope-reorder
# Tests start some thousand processes, and each would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: demo test coverage check check-style check-mypy check-pyright check-docs oldest-mypy bench screenshots docs help clean

demo: $(DEMO)/.installed  ## Tour a shop of four workers on real parts; SERVE=1 keeps it running
	$(DEMO)/bin/python -m typed_waffle.demo $(if $(SERVE),--serve)

test: $(TEST)/.installed  ## Run the tests; ARGS="-k name" picks some
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

coverage: $(TEST)/.installed  ## The same, and print the coverage over all processes; it takes half as long again
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(SIDE_BY_SIDE) $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# Apart, so that --jobs=2 spreads them over two cores.
check: check-style check-mypy check-pyright check-docs  ## Check style, types, floors and the links of the docs

check-style: $(TEST)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

check-mypy: $(TEST)/.installed
	$(BIN)/mypy

check-pyright: $(TEST)/.installed
	$(BIN)/pyright --pythonpath $(BIN)/python

check-docs: $(TEST)/.installed
	$(BIN)/python docs/check_links.py
	$(BIN)/sphinx-build -q -E -W --keep-going docs docs/_build/html

oldest-mypy: $(TEST)/.installed  ## Check the mypy plugin with the oldest mypy that it works with
	$(BIN)/nox --session mypy

bench: $(TEST)/.compared  ## Measure reads, app contexts and idle workers, and print the figures
	$(BIN)/python -m tests.benchmarks

screenshots: $(TEST)/.installed  ## Take the pictures of the admin page in docs/images anew
	$(BIN)/python -m tests.support.screenshots

docs: $(TEST)/.installed  ## Build the docs into docs/_build/html
	$(BIN)/sphinx-build docs docs/_build/html

help:  ## Show these commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1|/' | while IFS='|' read -r name what; do printf '  make %-12s %s\n' "$$name" "$$what"; done

clean:  ## Remove the environments and everything that was built
	rm -rf .venv .nox .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist docs/_build
	find typed_waffle tests docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(TEST)/.compared: $(TEST)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@touch $@

$(DEMO)/.installed: EXTRA := demo
$(TEST)/.installed: EXTRA := dev
.venv/%/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "typed-waffle needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRA)]'
	@touch $@
