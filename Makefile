# Two commands to know: `make demo` runs the city on this machine, `make test` proves it.
#   make demo [FRESH=1] [WEB_PORT=8000] [SANDBOX_PORT=8100] [MLLP_PORT=2575] [HIS_PORT=2576]
#   make test [ARGS="tests/backend/slotpool -k storm"]
.DEFAULT_GOAL := help
.PHONY: help install install-python install-node demo test test-python test-miniprogram \
  check check-python check-miniprogram format docs openapi bench lock clean

BIN := .venv/bin
# Three processes keep two cores busy, for many tests wait; what measures, or takes a city apart, runs alone afterwards.
WORKERS ?= 3
ARGS ?= tests

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 20

install: install-python install-node ## virtual environment, Python and Node packages, each only when its lock file changed

install-python:
	@.ci/install python

install-node:
	@.ci/install node
	@.ci/install console

demo: ## the whole city on this machine; FRESH=1 starts over
	@.ci/install python
	@.ci/install h5
	@.ci/install console
	@exec $(BIN)/healthycity demo \
	  $(if $(FRESH),--fresh) $(if $(WEB_PORT),--port $(WEB_PORT)) $(if $(SANDBOX_PORT),--sandbox-port $(SANDBOX_PORT)) \
	  $(if $(MLLP_PORT),--mllp-port $(MLLP_PORT)) $(if $(HIS_PORT),--his-port $(HIS_PORT))

test: install ## every test: Python (with browser and crash tests) and the resident app's
	@.ci/install h5
	@$(MAKE) --no-print-directory test-python test-miniprogram

test-python:
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not serial" $(ARGS)
	$(BIN)/python -m pytest -m serial $(ARGS) || [ $$? -eq 5 ]

test-miniprogram:
	cd miniprogram && npm test --silent

check: check-python check-miniprogram ## ruff, formatting, mypy, eslint, tsc

check-python: install-python
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check-miniprogram: install-node
	cd miniprogram && npm run --silent lint
	cd miniprogram && npm run --silent typecheck

format: ## put the Python source into its form
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

docs: ## write what the docs repeat of the code: errors, permissions, settings
	$(BIN)/python docs/generate.py

bench: ## bookings per second beside a bare handler; figures in docs/performance.md
	$(BIN)/python -m bench booking

lock: ## choose the newest allowed versions and write requirements.lock
	$(BIN)/uv pip compile pyproject.toml --quiet --upgrade --all-extras --universal --generate-hashes --no-header \
	  --python-version 3.11 --output-file requirements.lock

clean: ## remove what the targets above have made, the demo's data too
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache test-artifacts miniprogram/node_modules miniprogram/dist \
	  tests/judges/node_modules admin/node_modules admin/static/vendor/echarts
