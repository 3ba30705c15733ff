# Mic Check: every target makes the environment it needs in .venv (see requirements/environment.py).
#
#   make demo                      three camps on this machine; Ctrl-C ends them
#   make test                      lint, types and the fast tests
#   make test-all                  everything but the soak; as root it installs tests/apt-packages.txt
#   make soak | bench | screenshots
#   make bench-full                the air on ten seeds: bench-full.json, and table and plot in the README, in half an hour
#   make lint | lock | venv | wheelhouse | clean
#
# PYTHON=python3.12     another interpreter
# WHEELHOUSE=DIR        install from that folder and from nowhere else; `make wheelhouse` fills it
# ARGS=...              passed on to pytest, or to miccheck

PYTHON ?= python3
LEVEL ?= test
UV_VERSION = 0.13.9

# Tests start hundreds of nodes. Without bytecode each compiles all of this anew, and is ready 0.3 s of CPU later.
unexport PYTHONDONTWRITEBYTECODE

BIN = .venv/bin
NEED = @$(PYTHON) requirements/environment.py

.PHONY: help demo test test-all soak bench bench-full screenshots lint lock venv wheelhouse clean

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

demo:
	$(NEED) run
	@exec $(BIN)/miccheck demo $(ARGS)

# Four on two cores: a third of the time the tests of the doors wait for a node, a mail server or a radio.
test:
	$(NEED) test
	@$(MAKE) --no-print-directory _lint
	@exec $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

test-all:
	@$(PYTHON) tests/apt_packages.py
	$(NEED) test-all
	$(NEED) mailman
	@$(MAKE) --no-print-directory _lint
	@exec $(BIN)/python -m pytest -m "not soak" -n 2 --dist loadfile --no-loadscope-reorder -o faulthandler_timeout=600 $(ARGS)

soak:
	$(NEED) test
	@exec $(BIN)/python -m pytest -m soak -o faulthandler_exit_on_timeout=false $(ARGS)

bench:
	$(NEED) run
	@exec $(BIN)/miccheck bench --texts tests/data/held_out.txt --save bench.json $(ARGS)

# Broken off, it goes on where it was, as long as the code is the same.
bench-full:
	$(NEED) run
	@$(BIN)/miccheck simulate --seed 1001 --compare --plot docs/fifty-camps.svg
	@exec $(BIN)/miccheck bench --full --save bench-full.json --readme README.md $(ARGS)

screenshots:
	@$(PYTHON) tests/apt_packages.py
	$(NEED) test-all
	@exec $(BIN)/python -m tests.browser.screenshots $(ARGS)

lint:
	$(NEED) test
	@$(MAKE) --no-print-directory _lint

.PHONY: _lint
_lint:
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

venv:
	$(NEED) $(LEVEL)

# Write the locks again after a change of dependencies in pyproject.toml. Pins stay where they can;
# `make lock UPGRADE=--upgrade` takes the newest of everything. One lock serves Python 3.11 to 3.13, x86-64 and arm64.
LOCK = .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header $(UPGRADE)
COMPILE = $(LOCK) pyproject.toml --group build
lock:
	@test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install -q uv==$(UV_VERSION); }
	$(COMPILE) -o requirements/run.txt
	$(COMPILE) --group test -c requirements/run.txt -o requirements/test.txt
	$(COMPILE) --group test --group full -c requirements/test.txt -o requirements/test-all.txt
	$(LOCK) --group pyproject.toml:mailman -o requirements/mailman.txt

wheelhouse:
	@test -n "$(WHEELHOUSE)" || { echo "make wheelhouse WHEELHOUSE=DIR [LEVEL=run|test|test-all]" >&2; exit 2; }
	@WHEELHOUSE= $(PYTHON) requirements/environment.py $(LEVEL)
	@$(BIN)/python -m pip download --quiet --require-hashes --no-deps --only-binary=:all: -d "$(WHEELHOUSE)" \
		-r requirements/$(LEVEL).txt
	@test "$(LEVEL)" != test-all || exec $(BIN)/python -m pip download --quiet --require-hashes --no-deps \
		-d "$(WHEELHOUSE)" -r requirements/mailman.txt

clean:
	rm -rf .venv .venv.lock .venv-lock .venv-mailman build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
