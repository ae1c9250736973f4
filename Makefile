# RenderOwl's commands. Every target may be run again at any time; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEDIA ?=
STORM_S ?= 600
MACHINE_S ?= 600
FUZZ_MINUTES ?= 10
export SWIFT_VENV ?= .venv-swift
DOCS_VENV ?= .venv-docs
# uv trusts what the machine does, as pip: a company's proxy has a certificate of its own
ifneq (,$(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt))
export UV_SYSTEM_CERTS ?= 1
endif
# a process of the tests begins with what another has compiled, and their assertions are rewritten once, not each time
unexport PYTHONDONTWRITEBYTECODE
# runs in any Python there ever was; $(VENV) that an older one made is in the way
ENOUGH := import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else "RenderOwl needs Python 3.11 or newer, and %s is %d.%d. Name another: make PYTHON=python3.13 ...\n(remove $(VENV) before, if that is there)" % (sys.argv[1], v[0], v[1]))

.PHONY: help setup setup-test demo test check format unit golden integration e2e storm machine fuzz test-s3 test-netns test-walls test-image test-alerts test-web test-dashboard dashboard web-types bench bench-rooms bench-scheduler bench-render bench-api pictures documents docs lock clean

help: ## Show this list
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

$(BIN)/uv: requirements/installer.lock
	@python=$(BIN)/python; test -x $$python || python=$(PYTHON); $$python -c '$(ENOUGH)' $$python
	@echo "- creating $(VENV)"
	@# Ctrl-C while a venv is made leaves half a pip, which no second try mends
	@if test -e $(VENV)/.unfinished; then rm -rf $(VENV); fi
	@test -x $(BIN)/pip || { mkdir -p $(VENV) && touch $(VENV)/.unfinished && $(PYTHON) -m venv $(VENV) && rm $(VENV)/.unfinished; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/installer.lock
	@touch $@

$(VENV)/.runtime: $(BIN)/uv requirements/runtime.lock pyproject.toml
	@echo "- installing the service from requirements/runtime.lock"
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes --no-deps -r requirements/runtime.lock
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@# every later start loads compiled modules, even where Python is told to write none
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -c "import renderowl.app, renderowl.cli.demo, renderowl.cli.up, renderowl.db.migrate, renderowl.embedded.stack, renderowl.pipeline.probe_av"
	@touch $@

$(VENV)/.test: $(VENV)/.runtime requirements/test.lock
	@echo "- installing the test tools from requirements/test.lock"
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes --no-deps -r requirements/test.lock
	@touch $@

$(SWIFT_VENV)/.ready: $(BIN)/uv requirements/swift.lock
	@echo "- installing OpenStack Swift into $(SWIFT_VENV) from requirements/swift.lock"
	@test -x $(SWIFT_VENV)/bin/python || $(BIN)/python -m venv --without-pip $(SWIFT_VENV)
	@VIRTUAL_ENV=$(SWIFT_VENV) $(BIN)/uv pip install --quiet --require-hashes --no-deps -r requirements/swift.lock
	@touch $@

$(DOCS_VENV)/.ready: $(BIN)/uv requirements/docs.lock
	@echo "- installing Sphinx into $(DOCS_VENV) from requirements/docs.lock"
	@test -x $(DOCS_VENV)/bin/python || $(BIN)/python -m venv --without-pip $(DOCS_VENV)
	@VIRTUAL_ENV=$(DOCS_VENV) $(BIN)/uv pip install --quiet --require-hashes --no-deps -r requirements/docs.lock
	@touch $@

setup: $(VENV)/.runtime ## Install RenderOwl into .venv and do nothing else

setup-test: $(VENV)/.test ## Install RenderOwl and the test tools into .venv

demo: setup ## Start everything, render real media and watch it live (MEDIA="my.mp4 photo.jpg" for your own)
	@if [ -f "$$MEDIA" ]; then exec $(BIN)/renderowl demo "$$MEDIA"; else eval "exec $(BIN)/renderowl demo $$MEDIA"; fi

check: setup-test ## Format, lint, types, import contract and unit tests, in under 30 s
	@$(BIN)/ruff format --check -q .
	@$(BIN)/ruff check -q .
	@$(BIN)/mypy & types=$$!; \
	  $(BIN)/pytest -q tests/unit tests/golden -n 2 & tests=$$!; \
	  imports=$$($(BIN)/lint-imports --cache-dir .import_linter_cache) || { echo "$$imports"; kill $$types $$tests; exit 1; }; \
	  wait $$types && wait $$tests

format: setup-test ## Rewrite the sources in the one format
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix .

unit: setup-test ## Only the unit and golden tests
	@$(BIN)/pytest -q tests/unit tests/golden

golden: setup-test ## Only the golden files (RENDEROWL_GOLDEN=write rewrites them)
	@$(BIN)/pytest -q tests/golden

integration: setup-test ## Only the tests on embedded Postgres and Valkey
	@$(BIN)/pytest -q tests/integration tests/contract -n 2 --dist loadgroup

e2e: setup-test ## Only the end-to-end renders and the fault tests
	@$(BIN)/pytest -q tests/e2e tests/faults -n 2 --dist loadgroup

test-s3: setup-test $(SWIFT_VENV)/.ready ## Storage tests against OpenStack Swift's strict S3 API (installs it into .venv-swift)
	@$(BIN)/pytest -q -m swift tests/contract tests/faults

test-netns: setup-test $(SWIFT_VENV)/.ready ## Workers in network namespaces that share Redis, Postgres and S3 alone (root; iproute2 by apt)
	@test "$$(id -u)" = 0 || { echo "network namespaces need root"; exit 1; }
	@command -v ip >/dev/null || { echo "- installing iproute2"; apt-get update -qq && apt-get install -y -qq --no-install-recommends iproute2 >/dev/null; }
	@$(BIN)/pytest -q -m netns tests/faults

build/prometheus/usr/bin/prometheus:
	@command -v apt-get >/dev/null || { echo "Prometheus comes from Debian here: apt-get is missing"; exit 1; }
	@echo "- unpacking Debian's Prometheus into build/prometheus"; mkdir -p build/prometheus; cd build/prometheus; rm -f *.deb; \
	  get="apt-get download -qq -o APT::Sandbox::User=root prometheus"; $$get || { apt-get update -qq && $$get; }
	@dpkg-deb -x build/prometheus/prometheus_*.deb build/prometheus && rm build/prometheus/*.deb && touch $@

build/bubblewrap/usr/bin/bwrap:
	@echo "- unpacking Debian's bubblewrap into build/bubblewrap"; mkdir -p build/bubblewrap; cd build/bubblewrap; rm -f *.deb; \
	  get="apt-get download -qq -o APT::Sandbox::User=root bubblewrap"; $$get || { apt-get update -qq && $$get; }
	@dpkg-deb -x build/bubblewrap/bubblewrap_*.deb build/bubblewrap && rm build/bubblewrap/*.deb && touch $@

test-walls: setup-test build/bubblewrap/usr/bin/bwrap ## Renders, hostile media and kills behind bubblewrap's walls (by apt, into build/)
	@export PATH=$$PWD/build/bubblewrap/usr/bin:$$PATH; $(BIN)/pytest -q -m bubblewrap tests/security && \
	  $(BIN)/pytest -q -n 2 --dist loadgroup tests/e2e tests/faults tests/integration/test_worker_renders.py tests/integration/test_speaking.py tests/integration/test_library.py \
	    --deselect tests/e2e/test_pipeline_hardware.py::test_hardware_is_used_when_it_is_set_and_its_films_have_keys_of_their_own # its encoder notes what it is asked beyond them

test-image: setup-test ## The image, built and run by Podman: nobody special, health check, walls, films (root; Podman by apt)
	@test "$$(id -u)" = 0 || { echo "this builds and runs containers as root"; exit 1; }
	@command -v podman >/dev/null || { echo "- installing Podman"; apt-get update -qq && apt-get install -y -qq --no-install-recommends podman runc netavark iptables >/dev/null; }
	@base=docker.io/library/python:3.13-slim; podman image exists $$base || podman pull -q $$base || { echo "- no registry: a stand-in for $$base"; \
	  { command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap >/dev/null; }; } && deploy/image/stand_in.sh; }
	@$(BIN)/pytest -q -m podman tests/containers

test-alerts: setup-test build/prometheus/usr/bin/prometheus ## The alert rules and the dashboard's queries in Debian's Prometheus (by apt, into build/) beside real processes
	@promtool=$$PWD/build/prometheus/usr/bin/promtool; cd deploy/prometheus && $$promtool check config prometheus.yaml && $$promtool test rules alerts_test.yaml
	@$(BIN)/pytest -q -m prometheus tests/monitoring

web/node_modules/.ready: web/package-lock.json web/package.json web/client/package.json web/dashboard/package.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node 20 or newer"; exit 1; }
	@echo "- installing the web tools from web/package-lock.json"
	@cd web && npm ci --silent
	@touch $@

/usr/bin/chromium:
	@test "$$(id -u)" = 0 || { echo "Chromium is missing: apt-get install chromium"; exit 1; }
	@echo "- installing Chromium"; apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null

test-web: setup web/node_modules/.ready /usr/bin/chromium ## The TypeScript client's tests, in Node and Chromium (installs what they need, Chromium by apt)
	@cd web && npm run --silent check && npm run --silent build -w client && npm run --silent test -w client

test-dashboard: setup web/node_modules/.ready /usr/bin/chromium ## The dashboard in Chromium on the real stack, and that what is served is what its sources build
	@cd web && npm run --silent check && npm run --silent fresh -w dashboard && npm run --silent test -w dashboard

dashboard: web/node_modules/.ready ## Build the dashboard from web/dashboard into renderowl/api/pages, where it is committed
	@cd web && npm run --silent build -w dashboard

web-types: web/node_modules/.ready ## Write the TypeScript client's types anew from docs/api (make documents)
	@cd web && npm run --silent generate

test: setup-test ## Every test: unit, golden, contract, integration, end-to-end, faults
	@$(BIN)/pytest -q tests -n 2 --dist loadgroup

storm: setup-test ## Ten minutes of kills and pauses of every part under small renders, then judged (SEED=7 STORM_S=600)
	@$(BIN)/python -m renderowl.testing.storm --seconds $(STORM_S) $(if $(SEED),--seed $(SEED))

machine: setup-test ## Ten minutes of the scheduler's state machine (SEED=7 repeats a round, MACHINE_S=600)
	@MACHINE_S=$(MACHINE_S) $(BIN)/pytest -q -s tests/integration/test_scheduler_machine.py

fuzz: setup-test ## Ten minutes of Schemathesis over the OpenAPI document (FUZZ_SEED=7 repeats a run, FUZZ_MINUTES=10)
	@FUZZ_MINUTES=$(FUZZ_MINUTES) $(BIN)/pytest -q tests/security/test_contract_fuzzed.py

bench: setup ## Measure the figures of docs/performance.md (about 25 minutes; best on a machine that does nothing else)
	@for figure in startup demo overhead progress_latency cancel previews preview_overhead report; do $(BIN)/python bench/$$figure.py || exit 1; done

bench-rooms: setup ## Measure the rooms beside Litestar Channels, uvicorn, ws and nchan (about 20 minutes; needs npm and apt)
	@$(BIN)/python bench/rooms/install.py
	@for figure in rooms/fanout rooms/memory rooms/latency rooms/reconnect rooms/stalled report; do $(BIN)/python bench/$$figure.py || exit 1; done

bench-scheduler: setup-test ## Measure the scheduler beside arq, SAQ and Dramatiq, and its recovery (about 25 minutes)
	@for figure in scheduler/admission scheduler/latency scheduler/fairness scheduler/speedup scheduler/throughput scheduler/recovery report; do $(BIN)/python bench/$$figure.py || exit 1; done

bench-api: setup ## Measure the API beside routes by hand in Litestar and FastAPI, while renders run and for long, with 10 GiB sent to it (about 12 minutes, 28 GiB of disk)
	@for figure in api/polling api/busy api/memory api/rate_limits api/upload report; do $(BIN)/python bench/$$figure.py || exit 1; done

# what a picture of docs/compositions.md is made by; the site shows what was rendered from it as it is now
build/pictures/.ready: $(VENV)/.runtime docs/gallery.py docs/owl.py renderowl/testing/films.py $(shell find renderowl/pipeline renderowl/domain -name '*.py')
	@echo "- rendering the pictures of docs/compositions.md into build/pictures"
	@rm -rf build/pictures && $(BIN)/python docs/gallery.py build/pictures && touch $@

pictures: build/pictures/.ready ## Keep the rendered pictures of docs/compositions.md in docs/pictures
	@cp build/pictures/*.jpg docs/pictures/

bench-render: setup-test ## Measure rendering beside hand-written FFmpeg commands and MoviePy (about 40 minutes)
	@for figure in $(addprefix render/,slideshow edit memory parallel sync first_preview playing growth longform smart_cut) report; do $(BIN)/python bench/$$figure.py || exit 1; done

documents: setup-test ## Write anew what the documents below docs/ take from the code (OpenAPI, AsyncAPI, diagrams)
	@$(BIN)/python -m renderowl.testing.documents

docs: $(DOCS_VENV)/.ready build/pictures/.ready ## Build the site of docs/ into build/site, its pictures rendered; a broken link or a changed picture fails it
	@$(BIN)/python docs/same_pictures.py build/pictures docs/pictures
	@$(DOCS_VENV)/bin/python -m sphinx -q -W --keep-going -n -c docs/site -d build/site.doctrees docs build/site && echo "built build/site/index.html"

lock: $(BIN)/uv ## Resolve the dependencies again and write the hash-pinned locks
	@LOCK="$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate"; \
	  $$LOCK pyproject.toml -o requirements/runtime.lock && \
	  $$LOCK pyproject.toml --group test -c requirements/runtime.lock -c requirements/installer.lock -o requirements/test.lock && \
	  printf 'uv\nhatchling\neditables\n' | $$LOCK - -o requirements/installer.lock && \
	  printf 'swift==2.38.*\n' | $$LOCK - -o requirements/swift.lock && \
	  printf 'sphinx\nmyst-parser\nfuro\nsphinxcontrib-mermaid\n' | $$LOCK - -o requirements/docs.lock

clean: ## Remove what was installed, caches and the demo's data; what `renderowl up` keeps in .renderowl stays
	@rm -rf $(VENV) $(SWIFT_VENV) $(DOCS_VENV) build web/node_modules web/client/dist .renderowl/demo
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
