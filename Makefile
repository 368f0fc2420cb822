# Every command that people and CI use. Each sets up what it needs in .venv, and does so again only when
# pyproject.toml or constraints.txt has changed.
#
#   make serve         serve from this checkout, data in ./.data (FRESH=1 starts anew, ARGS=... adds options)
#   make test          the tests at CI size (ARGS=... narrows them)
#   make test-full     the tests at full size
#   make check         format, lint, types, layering: exactly what CI runs
#   make coverage      branch coverage of unit and contract tests
#   make bench         speed beside other servers on this machine, in under 20 minutes (ARGS=... narrows it)
#   make bench-full    the same, and lists of a bucket with 10 million names
#   make s3-model      the table of S3 operations, again from the installed botocore
#   make client-table  docs/clients.md, again from what the tests of clients declare
#   make messages      the console's texts for translators, again from its source
#   make screenshots   the pictures of docs/console.md, again from the console as it is
#   make constraints   constraints.txt, again from a clean environment
#   make clean         remove everything that make made, but not ./.data

PYTHON ?= python3
WORKERS ?= logical
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: serve test test-full check format coverage bench bench-full s3-model client-table messages screenshots constraints clean
.DEFAULT_GOAL := serve

# Installs into the environment with the interpreter's own pip, which spares making one there; where it is missing or older
# than 22.3, with one of the environment's own.
define install
	@if $(PYTHON) -m pip --python $(BIN)/python --version >/dev/null 2>&1; then \
		$(PYTHON) -m pip --python $(BIN)/python install --quiet --no-compile --constraint constraints.txt --editable $(1); \
	else \
		$(BIN)/python -m ensurepip >/dev/null && \
		$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable $(1); \
	fi
endef

# Both stamps are newer than what they were made from. The first has what serving needs, the second everything.
$(VENV)/.runtime: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Undercroft needs Python 3.11 or newer: make PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip $(VENV)
	@echo "Installing Undercroft into $(VENV) ..." >&2
	$(call install,.)
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	@echo "Installing the tools and clients of the tests into $(VENV) ..." >&2
	$(call install,'.[dev]')
	@touch $@

serve: $(VENV)/.runtime
	@if [ -n "$(FRESH)" ]; then rm -rf .data; fi
	@exec $(BIN)/undercroft serve --data .data $(ARGS)

test: $(VENV)/.dev
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

test-full: $(VENV)/.dev
	UNDERCROFT_TEST_SIZE=full $(BIN)/pytest -n $(WORKERS) --dist worksteal --timeout 3600 $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

coverage: $(VENV)/.dev
	$(BIN)/pytest -n $(WORKERS) --cov --cov-report=term-missing tests/unit tests/contract

bench: $(VENV)/.dev
	PYTHONPATH=tests PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python bench/compare.py $(ARGS)

bench-full:
	@$(MAKE) --no-print-directory bench ARGS="--ten-million $(ARGS)"

s3-model: $(VENV)/.dev
	$(BIN)/python tools/make_s3_model.py

client-table: $(VENV)/.dev
	PYTHONPATH=tests $(BIN)/python tools/make_client_table.py

messages: $(VENV)/.dev
	$(BIN)/python tools/make_messages.py

screenshots: $(VENV)/.dev
	UNDERCROFT_SCREENSHOTS=1 $(BIN)/pytest tests/browser/test_screenshots.py

# The interpreter decides what fits: make this with the oldest Python that the project supports.
constraints:
	rm -rf build/pins
	$(PYTHON) -m venv build/pins
	build/pins/bin/pip install --quiet --editable '.[dev]'
	{ sed -n '/^#/p' constraints.txt; build/pins/bin/pip freeze --exclude-editable; } > build/constraints.txt
	mv build/constraints.txt constraints.txt
	rm -rf build/pins

clean:
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
