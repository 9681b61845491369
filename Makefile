# The one door. `make demo` and `make test` work on a fresh machine with Python >= 3.11.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO ?= --users 1000 --gateways 3

.PHONY: help install demo test sim typescript model lint format docs bench bench-peers conformance lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

install: $(STAMP) ## make .venv with the locked dependencies and all extras

demo: install ## run the whole market with 1,000 users; Ctrl-C ends it with a verdict
	$(BIN)/outcry demo $(DEMO)

test: install ## every test, on real parts
	$(BIN)/pytest

typescript: install ## the TypeScript client: types, wire vectors, the misbehaving server, the real stack (needs Node 20)
	npm ci
	npm run lint --workspaces
	npm test --workspaces

model: install ## the protocol's model in Promela, and every rule left out once (needs spin and gcc; three minutes)
	$(BIN)/python -m model.run

sim: install ## the deterministic simulation: SEEDS=200 runs the first 200 seeds, SEED=17 that one alone
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),200))

lint: install ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## let ruff rewrite the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install ## write docs/messages.md, docs/asyncapi.yaml and docs/schema anew from the definitions
	$(BIN)/python -m openoutcry.protocol_docs

bench-peers: install ## what the benchmarks compare with, each in an environment of its own; Debian packages only as root
	-$(BIN)/python -m benchmarks.engine.peers install
	-$(BIN)/python -m benchmarks.fan_out.peers install

bench: bench-peers ## measure everything (half an hour), and put tables and plots into docs
	$(BIN)/python -m benchmarks --json docs/performance.json --plots docs/plots \
	  --update docs/protocol-choices.md --update docs/performance.md

conformance: install ## every sentence of docs/protocol.md that a client can prove, against a stack of its own
	$(BIN)/outcry conformance

lock: install ## write requirements.lock anew: names, versions, hashes
	$(BIN)/pip-compile --quiet --all-extras --allow-unsafe --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras --output-file requirements.lock pyproject.toml

clean: ## remove what make made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
