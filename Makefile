# The commands of the project. `make` without a target lists them.

# Each process that tests start would compile the sources again.
unexport PYTHONDONTWRITEBYTECODE

# The first of these that is new enough; PYTHON=... overrides the choice.
ifndef PYTHON
PYTHON := $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
endif
VERSION := $(shell "$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
VENV := .venv/$(VERSION)
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PLAYERS := tests/browser/node/node_modules/.package-lock.json
KAFKA := tests/kafka/jars/.verified
JUDGES := tools/corpus/node/node_modules/.package-lock.json
ASYNCAPI := tools/asyncapi/node/node_modules/.package-lock.json
SAM_VENV := .venv/sam-$(VERSION)
SAM := $(SAM_VENV)/bin/sam
# The tests that use the Redis of the stack. Other tests of a cluster, and of one server that fails over, start their
# own servers; a cluster takes other round trips.
REDIS_TESTS := tests/contracts tests/e2e/test_playback.py tests/e2e/test_subscription_changed.py \
	$(addprefix tests/integration/,continue_watching delivery relay stream_limit) \
	$(addprefix tests/integration/test_,$(addsuffix .py,abandoned analytics_privacy boundary chores concurrency \
	entitlement erase event_contract events hostile_text idempotency \
	inner_addresses lost_replies order_of_reports outages outbox pgbouncer progress publication_races races \
	redis_login renew restored_database retention start storage_tls stream_slots tls)) \
	$(addprefix tests/histories/test_,histories.py sigkill.py stateful.py) \
	--deselect tests/integration/test_outages.py::test_kafka_gone_leaves_the_processor_alone
# Those of them without proxies before Redis, for a cluster of three nodes.
REDIS_NODES_TESTS := tests/contracts tests/e2e/test_playback.py tests/e2e/test_subscription_changed.py \
	$(addprefix tests/integration/,continue_watching delivery stream_limit) \
	$(addprefix tests/integration/test_,$(addsuffix .py,abandoned concurrency entitlement \
	erase event_contract events order_of_reports progress races renew start stream_slots))
# The client that runs a handler in AWS's images: a folder for PYTHONPATH, or for our own image.
RUNTIME_CLIENT := .venv/runtime-$(VERSION)
RUNTIME := $(RUNTIME_CLIENT)/.installed
AWS_VENV := .venv/aws-$(VERSION)
AWS := $(AWS_VENV)/bin/aws
PEERS_VENV := .venv/peers-$(VERSION)
PEERS := $(PEERS_VENV)/.installed
CLICKHOUSE := .venv/clickhouse-$(VERSION)/.installed
CHECKOV_VENV := .venv/checkov-$(VERSION)
CHECKOV := $(CHECKOV_VENV)/bin/checkov
TEMPLATES := template.yaml infrastructure/data-plane.yaml infrastructure/errors.yaml \
	infrastructure/objective.yaml infrastructure/observability.yaml infrastructure/queries.yaml infrastructure/release.yaml
# Checkers without a package on PyPI are built from source, verified by Go's checksum database.
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
COMPOSE_READER := github.com/compose-spec/compose-go/v2/cmd@v2.16.2
BUILD := .aws-sam/build
# With ENV=..., the parameters of that environment in samconfig.toml.
ifeq ($(origin ENV),command line)
TARGET := $(shell "$(PYTHON)" -m tools.deploy.settings "$(ENV)" || echo unknown)
ifeq ($(TARGET),unknown)
$(error There is no such environment in samconfig.toml)
endif
$(foreach each,$(TARGET),$(eval $(each)))
endif
ARCHITECTURE ?= arm64
RUNTIME_VERSION ?= 3.13
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

# By default uv aborts if compiling a file takes a minute, which happens on a busy machine.
export UV_COMPILE_BYTECODE_TIMEOUT := 0

# Packages are cached for the next environment; if the home folder is read-only, in .venv/cache.
ifneq ($(shell test -w "$$HOME" && echo yes),yes)
export UV_CACHE_DIR := $(CURDIR)/.venv/cache
export PIP_NO_CACHE_DIR := 1
endif

.DEFAULT_GOAL := help
.PHONY: help setup environments run run-compose test test-unit pr test-smoke test-fresh test-browser faults histories test-judges test-clickhouse \
	test-build test-sam test-rie test-deploy test-redis-cluster test-kafka corpus lint check check-migrations check-events format openapi architecture \
	demo-traffic publish replay bench bench-analytics bench-clickhouse bench-exactness bench-reports cost explain load build deploy lock clean check-workflows check-compose check-templates needs-docker sam

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Install what the usual commands need, into .venv/

environments: $(INSTALLED) $(SAM) $(AWS) $(CHECKOV) $(RUNTIME) $(PEERS) $(CLICKHOUSE) $(JUDGES) $(ASYNCAPI) $(PLAYERS) ## Install what all commands need, except test-kafka

run: $(INSTALLED) ## Run the whole product on this machine
	@trap : INT; $(BIN)/python -m local || { code=$$?; test $$code -eq 130 || exit $$code; }

run-compose: needs-docker $(INSTALLED) $(SAM) ## Run the API under SAM and the services in Docker Compose, configured by .env
	@PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH=layers/streaming/python \
		$(BIN)/python -m tools.run_compose --sam $(SAM)

needs-docker:
	@docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1 || { \
		echo "error: this needs a running Docker with its Compose plugin; make run needs no Docker" >&2; exit 1; }

# Uses the AWS command line of this machine, otherwise one in .venv/.
deploy: $(INSTALLED) $(SAM) $(AWS) ## Build and deploy: make deploy ENV=dev; PLAN=1 only shows what would change
	@test -n "$(ENV)" || { echo "error: name the environment of samconfig.toml: make deploy ENV=dev" >&2; exit 2; }
	@PATH="$(CURDIR)/$(BIN):$$PATH:$(CURDIR)/$(AWS_VENV)/bin" SAM_CLI_TELEMETRY=0 \
		$(BIN)/python -m tools.deploy "$(ENV)" --sam $(SAM) $(if $(PLAN),--plan) $(DEPLOY_ARGS)

sam: $(INSTALLED) $(SAM) ## Run the SAM command line: make sam ARGS="deploy --config-env dev"
	@PATH="$(CURDIR)/$(BIN):$$PATH" SAM_CLI_TELEMETRY=0 $(SAM) $(ARGS)

# A module of tests stays on one worker, because its tests share servers and films. PYTEST_ARGS="-n 0" runs one
# test at a time. Tests of units do not wait, so there are no more workers than processors.
BY_MODULE := --dist loadscope --no-loadscope-reorder
PARALLEL := -n auto $(BY_MODULE)
PARALLEL_UNITS := -n logical $(BY_MODULE)

# Percent of the branches and lines of the functions and the shared package. A part of the tests, which PYTEST_ARGS
# selects, has no floor.
COVERAGE_FLOOR := 97
COVERAGE := --cov --cov-report=term $(if $(PYTEST_ARGS),,--cov-fail-under=$(COVERAGE_FLOOR))

test: $(INSTALLED) ## Run the tests and measure coverage (PYTHON=python3.13 for another Python)
	@$(BIN)/python -m pytest $(PARALLEL) $(COVERAGE) $(PYTEST_ARGS)

test-unit: $(INSTALLED) ## Run the tests of units, and the contracts of the in-memory fakes
	@$(BIN)/python -m pytest tests/contracts tests/unit -m "not server" $(PARALLEL_UNITS) $(PYTEST_ARGS)

# The environments are installed first, because two concurrent makes must not install the same one.
pr: environments ## Run what CI runs on a pull request, in the same order
	@tools/pr.sh

test-smoke: $(INSTALLED) ## Run only the tests of code and processes, and the four calls, for another Python
	@$(BIN)/python -m pytest tests/e2e/test_playback.py tests/processes tests/unit $(PARALLEL_UNITS) $(PYTEST_ARGS)

test-fresh: $(INSTALLED) ## Run the README's commands on minimal systems (Linux, as root, with mmdebstrap)
	@$(BIN)/python -m pytest tests/fresh -rs $(PYTEST_ARGS)

test-browser: $(INSTALLED) $(PLAYERS) ## Run the player and the dashboard in Chromium against the whole product
	@$(BIN)/python -m pytest tests/browser $(PYTEST_ARGS)

faults: $(INSTALLED) ## Inject every fault into every dependency under every call; write docs/faults.md
	@PYTHONPATH=layers/streaming/python $(BIN)/python -m tests.faults $(FAULTS)

histories: $(INSTALLED) ## Kill servers during client calls and check the history (SEEDS=20, or SEEDS=7-7 for one)
	@SEEDS=$${SEEDS:-20} $(BIN)/python -m pytest tests/histories $(PYTEST_ARGS)

test-judges: $(INSTALLED) $(JUDGES) ## Check rewritten manifests with independent parsers
	@$(BIN)/python -m pytest tests/judges $(PYTEST_ARGS)

test-clickhouse: $(INSTALLED) $(CLICKHOUSE) ## Compare the figures in ClickHouse, PostgreSQL and DuckDB
	@$(BIN)/python -m pytest tests/clickhouse $(PYTEST_ARGS)

test-build: $(INSTALLED) $(SAM) ## Build the artefacts for every target and check their contents
	@$(BIN)/python -m pytest tests/packaging $(PYTEST_ARGS)

test-sam: $(INSTALLED) $(SAM) $(RUNTIME) ## Run every event and the API under sam local, in containers
	@tools/container_engine.sh
	@$(BIN)/python -m pytest tests/sam $(PYTEST_ARGS)

test-rie: $(INSTALLED) $(SAM) $(RUNTIME) ## Freeze, disconnect and time the functions under Lambda's emulator
	@$(BIN)/python -m pytest tests/rie $(PYTEST_ARGS)

test-deploy: $(INSTALLED) $(SAM) $(AWS) ## Deploy to an emulated AWS with the commands of docs/deploy.md, and play
	@$(BIN)/python -m pytest tests/deploy --timeout 900 $(PARALLEL) $(PYTEST_ARGS)

test-redis-cluster: $(INSTALLED) ## Run the tests that use Redis against a Redis in cluster mode, of one node and of three
	@TEST_REDIS_CLUSTER=1 $(BIN)/python -m pytest $(REDIS_TESTS) $(PARALLEL) $(PYTEST_ARGS)
	@TEST_REDIS_CLUSTER=3 $(BIN)/python -m pytest $(REDIS_NODES_TESTS) $(PARALLEL) $(PYTEST_ARGS)

test-kafka: $(INSTALLED) $(KAFKA) $(CLICKHOUSE) ## Run the events against three brokers of Apache Kafka (needs Java 17 and Maven)
	@$(BIN)/python -m pytest tests/kafka $(PYTEST_ARGS)

corpus: $(INSTALLED) $(JUDGES) ## Check all manifests below a directory with independent parsers (CORPUS=dir)
	@PYTHONPATH=layers/streaming/python $(BIN)/python -m tools.corpus "$(CORPUS)"

lint: $(INSTALLED) ## Run the fast static checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check: lint check-migrations check-events check-workflows check-compose check-templates ## Run all static checks
	$(BIN)/mypy
	PYTHONPATH=layers/streaming/python $(BIN)/lint-imports --no-cache
	$(BIN)/python -m tools.architecture --check

check-migrations: $(INSTALLED) ## Check that migrations only add and hold no long locks
	$(BIN)/squawk --config .squawk.toml migrations/*.sql

check-events: $(ASYNCAPI) ## Check the description of the events in Kafka
	@if command -v npm >/dev/null; then \
		echo "asyncapi" && node tools/asyncapi/node/validate.mjs docs/events/asyncapi.yaml; \
	else echo "Without Node.js, docs/events/asyncapi.yaml is checked only in CI"; fi

check-templates: $(INSTALLED) $(SAM) $(CHECKOV) ## Check the templates
	$(BIN)/cfn-lint --append-rules cfn_lint_serverless.rules -- $(TEMPLATES)
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-central-1 $(SAM) validate --lint
	$(CHECKOV) --config-file .checkov.yaml --file $(TEMPLATES)

check-workflows: $(INSTALLED) ## Check the GitHub workflows
	$(BIN)/zizmor --quiet --offline --persona=pedantic .github
	@if command -v go >/dev/null; then \
		echo "actionlint" && go run $(ACTIONLINT); \
	else echo "Without Go, actionlint runs only in CI"; fi

# Without Docker, this uses the library with which Docker Compose reads its files. The library's
# command has no values for the variables.
check-compose: ## Check docker-compose.yml with the example configuration
	@if docker compose version >/dev/null 2>&1; then \
		echo "docker compose config" && docker compose --env-file .env.example config --quiet; \
	elif command -v go >/dev/null; then \
		echo "compose-go" && go run $(COMPOSE_READER) -no-interpolation docker-compose.yml >/dev/null; \
	else echo "Without Docker Compose or Go, docker-compose.yml is checked only in CI"; fi

format: $(INSTALLED) ## Format the code and fix what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: $(INSTALLED) ## Generate functions/docs/openapi.json from the models
	@PYTHONPATH=layers/streaming/python $(BIN)/python -m tools.openapi functions/docs/openapi.json

architecture: $(INSTALLED) ## Generate the packages in docs/architecture.md from their imports
	@$(BIN)/python -m tools.architecture

replay: $(INSTALLED) ## Count all events in Kafka again, from the start of the topics (REPLAY_ARGS=--lossy: what is left)
	@PYTHONPATH=layers/streaming/python $(BIN)/python -m tools.replay $(REPLAY_ARGS)

# The same SEED gives the same viewers. TRAFFIC="--viewings 300 --live" makes fewer, and goes on in real time.
demo-traffic: $(INSTALLED) ## Let invented viewers watch a dozen films for a week, on the running make run
	@PYTHONPATH=layers/streaming/python $(BIN)/python -m tools.demo_traffic --seed $${SEED:-1} $(TRAFFIC)

publish: $(INSTALLED) ## Publish a film: make publish FILE=film.mp4 [MOVIE_ID=...] [TITLE=...]
	@PYTHONPATH=layers/streaming/python $(BIN)/python -m tools.publish $${MOVIE_ID:+--movie-id="$$MOVIE_ID"} \
		$${TITLE:+--title="$$TITLE"} $(PUBLISH_ARGS) -- "$$FILE"

bench: $(INSTALLED) $(SAM) $(RUNTIME) $(PEERS) ## Measure beside the peers, judge by the goals, write docs/performance.md (BENCH=--quick for less)
	@PYTHONPATH=layers/streaming/python $(BIN)/python -m benchmarks $(BENCH)

cost: $(INSTALLED) $(PEERS) ## Measure what calls use, and write docs/cost.md
	@PYTHONPATH=layers/streaming/python $(BIN)/python -m benchmarks.cost $(COST)

# EXPLAIN="--sessions 100000 --output plans.md" fills smaller tables. Ten million sessions take 10 GB of disk.
explain: $(INSTALLED) ## Show how PostgreSQL executes each query with ten million sessions; write docs/query-plans.md
	@PYTHONPATH=layers/streaming/python $(BIN)/python -m benchmarks.query_plans $(EXPLAIN)

# SAVE_AS=before or after keeps the results for docs/performance.md; COMMIT=... measures another commit's service.
load: $(INSTALLED) ## Simulate thousands of viewers against the local stack (LOAD="--viewers 100,200", SAVE_AS=after)
	@PYTHONPATH=layers/streaming/python $(BIN)/python -m benchmarks.load $(if $(SAVE_AS),--save-as $(SAVE_AS)) \
		$(if $(COMMIT),--commit $(COMMIT)) $(LOAD)

bench-analytics: $(INSTALLED) ## Count events in batches and one by one (EVENTS=40000)
	@PYTHONPATH=layers/streaming/python $(BIN)/python -m benchmarks.analytics $(EVENTS)

# EVENTS=200000 takes half a minute. Ten million take about 8 GB below TMPDIR.
bench-exactness: $(INSTALLED) ## Count ten million events, and compare every figure with DuckDB's (EVENTS=200000)
	@PYTHONPATH=layers/streaming/python $(BIN)/python -m benchmarks.exactness $(EVENTS)

bench-reports: $(INSTALLED) ## Time the reports with the figures of ten million sessions
	@PYTHONPATH=layers/streaming/python $(BIN)/python -m benchmarks.reports

bench-clickhouse: $(INSTALLED) $(CLICKHOUSE) ## Time the events, figures and reports in ClickHouse (EVENTS=1000000)
	@PYTHONPATH=layers/streaming/python $(BIN)/python -m benchmarks.clickhouse $(EVENTS)

build: $(INSTALLED) $(SAM) ## Build the functions and layers (ARCHITECTURE=arm64 RUNTIME_VERSION=3.13)
	@find functions -name __pycache__ -prune -exec rm -rf {} +
	PATH="$(CURDIR)/$(BIN):$$PATH" SAM_CLI_TELEMETRY=0 ARCHITECTURE=$(ARCHITECTURE) \
		RUNTIME_VERSION=$(RUNTIME_VERSION) $(SAM) build --build-dir $(BUILD) --parameter-overrides \
		"Architecture=$(ARCHITECTURE) PythonRuntime=python$(RUNTIME_VERSION)"
	@$(BIN)/python -m tools.artefacts $(BUILD) functions

lock: $(INSTALLED) ## Lock the newest versions of all packages, with hashes
	$(LOCK) --upgrade layers/dependencies/requirements.in -o layers/dependencies/requirements.txt
	$(LOCK) --upgrade infrastructure/compose/user_service/requirements.in \
		-o infrastructure/compose/user_service/requirements.txt
	$(LOCK) --upgrade tools/requirements/dev.in -o requirements-dev.txt
	$(LOCK) --upgrade tools/requirements/uv.in -o tools/requirements/uv.txt
	$(LOCK) --upgrade tools/requirements/sam.in -o tools/requirements/sam.txt
	$(LOCK) --upgrade tools/requirements/aws.in -o tools/requirements/aws.txt
	$(LOCK) --upgrade tools/requirements/runtime.in -o tools/requirements/runtime.txt
	$(LOCK) --upgrade tools/requirements/peers.in -o tools/requirements/peers.txt
	$(LOCK) --upgrade tools/requirements/clickhouse.in -o tools/requirements/clickhouse.txt
	$(LOCK) --upgrade tools/requirements/checkov.in -o tools/requirements/checkov.txt

clean: ## Remove the environments and the state of local runs
	rm -rf .venv .local .aws-sam tests/kafka/jars tools/asyncapi/node/node_modules tools/corpus/node/node_modules \
		tests/browser/node/node_modules

# uv installs the locked packages in seconds, pip in a minute. The remains of an interrupted installation
# are removed first; the last step marks an environment as complete.
$(INSTALLED): requirements-dev.txt tools/requirements/uv.txt
	@test -n "$(VERSION)" || { echo "error: Python 3.11 or newer is needed: install one, or name it by PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit("error: Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "error: $(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing the packages into $(VENV), with $(PYTHON) ..."
	@rm -rf $(VENV)
	@"$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tools/requirements/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements-dev.txt
	@touch $@

$(CHECKOV): $(CHECKOV_VENV)/.installed
$(SAM): $(SAM_VENV)/.installed
$(AWS): $(AWS_VENV)/.installed

# A tool whose packages conflict with ours has a separate environment.
.venv/%-$(VERSION)/.installed: tools/requirements/%.txt | $(INSTALLED)
	@echo "Installing $* into $(@D) ..."
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(@D)
	@$(BIN)/uv pip install --quiet --python $(@D)/bin/python --require-hashes --compile-bytecode -r $<
	@touch $@

$(RUNTIME): tools/requirements/runtime.txt | $(INSTALLED)
	@echo "Installing Lambda's runtime client into $(RUNTIME_CLIENT) ..."
	@rm -rf $(RUNTIME_CLIENT)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --target $(RUNTIME_CLIENT) --require-hashes --compile-bytecode -r tools/requirements/runtime.txt
	@touch $@

$(PLAYERS): tests/browser/node/package-lock.json
	@echo "Installing the players that the tests run in Chromium ..."
	@npm ci --prefix tests/browser/node --silent --ignore-scripts --no-audit --no-fund && touch $@

# The checksums guarantee that exactly the listed jars are used.
$(KAFKA): tests/kafka/pom.xml tests/kafka/jars.sha256
	@echo "Fetching Apache Kafka ..."
	@rm -rf tests/kafka/jars
	@mvn --quiet --batch-mode --no-transfer-progress --file tests/kafka/pom.xml dependency:copy-dependencies
	@cd tests/kafka/jars && sha256sum *.jar | diff ../jars.sha256 - && touch .verified

# Without Node.js only the parsers of PyPI are used, and the tests report this.
$(JUDGES): tools/corpus/node/package-lock.json
	@if command -v npm >/dev/null; then \
		echo "Installing the parsers of npm ..." && \
		npm ci --prefix tools/corpus/node --silent --ignore-scripts --no-audit --no-fund && touch $@; \
	fi

$(ASYNCAPI): tools/asyncapi/node/package-lock.json
	@if command -v npm >/dev/null; then \
		echo "Installing the parser of AsyncAPI ..." && \
		npm ci --prefix tools/asyncapi/node --silent --ignore-scripts --no-audit --no-fund && touch $@; \
	fi
