# Everything works on a bare Debian with python3 (3.11 or newer), make and git.
PYTHON ?= python3
PORT ?= 8000
RUN := .venv/bin/python

.PHONY: setup up test check bench

setup: ## .venv and the browser libraries from the lock files
	@$(PYTHON) tools/bootstrap.py
	@$(RUN) tools/web.py

up: setup ## run everything on this machine: make up [PORT=8000] [ARGS="--no-carrier"]
	@exec env -u DESKBELL_GUARD_PARENT $(RUN) -I -S config/services/guard.py TERM -- $(RUN) manage.py up --port $(PORT) $(ARGS)

test: setup ## make test [ARGS="tests/calls -x"]
	@$(RUN) -m pytest $(ARGS)

check: setup ## style, types, borders between rooms, settings, migrations; needs no running database
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy
	.venv/bin/lint-imports
	$(RUN) manage.py check
	$(RUN) -m config.services.embedded $(RUN) manage.py makemigrations --check --dry-run

bench: setup ## a table, and var/bench.json
	@$(RUN) -m bench $(ARGS)
