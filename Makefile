# `make serve` and `make test` do all the set-up; `make help` lists the rest.
SHELL := /bin/bash
PORT ?= $(or $(PSOAS_PORT),8000)
# Debian's own build is a good deal faster than a plain one.
PYTHON ?= $(or $(wildcard /usr/bin/python3.11),python3)
BIN := .venv/bin
# Many tests wait for another process, so one more of them than there are processors goes on meanwhile.
TESTERS ?= $(shell expr $$(nproc) + 1)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header --python-version 3.11

.DEFAULT_GOAL := help
.PHONY: help serve test check soak openapi release cluster bench bench-batch bench-cluster bench-storing bench-jobs bench-bulk bench-rates bench-pages lock venv clean

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: .venv/stamp-run ## start the API on 127.0.0.1:8000 (PORT=8123 for another port)
	$(BIN)/psoas serve --port $(PORT)

test: .venv/stamp-dev .venv-clients/stamp .venv-servers/stamp ## run every gate: format, lint, types, floors, tests, freshness of the API document
	@if command -v npm >/dev/null; then $(MAKE) openapi/node_modules/stamp examples/typescript/node_modules/stamp; \
	else echo "npm is not installed: the tests that lint, compare and replay the API document are skipped"; fi
	$(MAKE) check
	$(BIN)/pytest -n $(TESTERS)

check: .venv/stamp-dev ## format, lint, types, import floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

soak: .venv/stamp-dev .venv-servers/stamp ## the long proofs
	PSOAS_SOAK=1 $(BIN)/pytest -n auto

openapi: .venv/stamp-dev ## write openapi/openapi.json and the example responses anew
	$(BIN)/pytest -q tests/test_examples.py --write-examples
	$(BIN)/psoas openapi > .venv/openapi.json && mv .venv/openapi.json openapi/openapi.json
	$(BIN)/psoas openapi --http > .venv/psoas.http && mv .venv/psoas.http openapi/psoas.http
	@if command -v npm >/dev/null; then $(MAKE) openapi/node_modules/stamp \
	&& openapi/node_modules/.bin/openapi-typescript openapi/openapi.json --output openapi/clients/psoas.d.ts; \
	else echo "npm is not installed: openapi/clients/psoas.d.ts is left as it is"; fi

release: openapi ## keep the API document as the one that callers rely on and later ones may not break
	cp openapi/openapi.json openapi/released.json

bench: .venv/stamp-dev ## measure /assess beside a bare server and an ordinary endpoint
	$(BIN)/python -m bench.assess

bench-batch: .venv/stamp-dev .venv-bench/stamp ## measure batch scoring beside copying a file and beside other engines
	$(BIN)/python -m bench.batch $(BENCH)

bench-cluster: .venv/stamp-dev ## measure many files by two workers beside two plain processes, and what a partition costs
	$(BIN)/python -m bench.cluster $(BENCH)

bench-storing: .venv/stamp-dev ## measure stored assessments beside raw inserts by the same driver
	$(BIN)/python -m bench.storing

bench-jobs: .venv/stamp-dev ## measure batches beside the command, and /assess beside a batch
	$(BIN)/python -m bench.jobs $(BENCH)

bench-bulk: .venv/stamp-dev ## measure files of FHIR responses beside single ones, and /assess beside such a file
	$(BIN)/python -m bench.bulk $(BENCH)

bench-rates: .venv/stamp-dev .venv-servers/stamp ## measure what limits cost /assess, counted in memory and in Redis
	$(BIN)/python -m bench.rates

bench-pages: .venv/stamp-dev ## measure how long /try takes from an answer to its result on the screen
	$(BIN)/python -m bench.pages

lock: .venv/stamp-dev ## compile the locked requirements anew from pyproject.toml
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) --group build -o requirements-build.lock
	$(COMPILE) pyproject.toml --extra cluster -o requirements-cluster.lock
	$(COMPILE) pyproject.toml --extra cluster --group dev --group build -o requirements-dev.lock
	$(COMPILE) requirements-bench.in -o requirements-bench.lock
	$(COMPILE) requirements-clients.in -o requirements-clients.lock
	$(COMPILE) requirements-servers.in -o requirements-servers.lock

venv: .venv/stamp-run ## install the service and its command, .venv/bin/psoas

cluster: .venv/stamp-cluster ## install what `psoas score --scheduler` needs, too

clean: ## remove what was installed and built
	rm -rf .venv .venv-bench .venv-clients .venv-servers openapi/node_modules examples/typescript/node_modules examples/typescript/dist dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/pip:
	$(PYTHON) -m venv --clear .venv || { rm -rf .venv; exit 1; }

.venv/stamp-run: .venv/bin/pip pyproject.toml requirements.lock requirements-build.lock
	$(PIP) --require-hashes -r requirements.lock -r requirements-build.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/stamp-dev: .venv/stamp-run requirements-dev.lock
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

# What scores over several machines, beside the service.
.venv/stamp-cluster: .venv/stamp-run requirements-cluster.lock
	$(PIP) --require-hashes -r requirements-cluster.lock
	@touch $@

# Other engines to measure beside; what they need must not mix with what the service needs.
.venv-bench/stamp: requirements-bench.lock
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements-bench.lock
	@touch $@

# What makes clients asks for an older typer than the service is pinned to.
.venv-clients/stamp: requirements-clients.lock
	$(PYTHON) -m venv --clear .venv-clients
	.venv-clients/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements-clients.lock
	@touch $@

# Servers that tests start beside the service; what they need must not mix with what it needs.
.venv-servers/stamp: requirements-servers.lock
	$(PYTHON) -m venv --clear .venv-servers
	.venv-servers/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements-servers.lock
	@touch $@

# What lints, compares and replays the API document, and what draws and checks questionnaires of FHIR. Of the
# renderer the built files alone are fetched, without the hundreds of packages that they are built from.
openapi/node_modules/stamp: openapi/package.json openapi/package-lock.json openapi/.npmrc openapi/lforms.sha512
	cd openapi && npm ci --loglevel=error
	cd openapi && npm pack --silent --pack-destination node_modules lforms@40.1.3 >/dev/null \
	&& sha512sum --check --quiet lforms.sha512 && mkdir -p node_modules/lforms \
	&& tar -xzf node_modules/lforms-40.1.3.tgz -C node_modules/lforms --strip-components=1
	@touch $@

examples/typescript/node_modules/stamp: examples/typescript/package.json examples/typescript/package-lock.json
	cd examples/typescript && npm ci --loglevel=error
	@touch $@
