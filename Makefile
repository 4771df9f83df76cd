# Five commands; `make` alone lists them. All real work is in services/commands/setup.py and supervisor.py.
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	command -v $(name) >/dev/null 2>&1 && $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
SETUP = @$(if $(PYTHON),,echo 'Python 3.11 or newer is needed.' >&2; exit 1;) $(PYTHON) -P services/commands/setup.py

help:  ## list the commands
	@grep -E '^(run|test|check|bench|chaos):' Makefile | sed -E 's/:.*## /|/' | awk -F'|' '{printf "make %-6s %s\n", $$1, $$2}'

run:  ## set everything up, start it and print the address of the studio
	$(SETUP)
	@.venv/bin/python supervisor.py up || [ $$? -eq 130 ]  # 130: Ctrl-C

test:  ## set up what is needed and run all tests
	$(SETUP) --dev
	@exec .venv/bin/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

check:  ## check format, lint and types
	$(SETUP) --dev
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@cd web && PATH="../.venv/bin:$$PATH" ../.venv/bin/npm run --silent check

bench:  ## measure and compare with the goals; ONLY=name measures one
	$(SETUP) --dev
	@exec .venv/bin/python -m bench $(ONLY)

chaos:  ## drills with 800 faults, tests that take long, then every mutant caught
	$(SETUP) --dev
	@.venv/bin/python supervisor.py drill --seeds 2 --seed 11 --jobs 3000 --faults 400 --kills 200 --stops 50
	@.venv/bin/python -m pytest -m chaos
	@exec .venv/bin/python -m tests.mutants

.PHONY: help run test check bench chaos
