# Everything that people and CI run. `make` alone lists it.

.DEFAULT_GOAL := help
.PHONY: help run dev test check site wheel pins audit reference bench soak clean up upb stop db r b env password

# The first Python on the PATH that is new enough. `make run PYTHON=/path/to/python3.12` names another.
PYTHON = $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
OLD = Folkmoot needs Python 3.11 or newer, and found $(or $(shell python3 --version 2>/dev/null),none). \
	Install one (Debian 12 and Ubuntu 24.04: apt-get install python3), or name it: make run PYTHON=/path/to/python3.12
SETUP = $(or $(PYTHON),$(error $(OLD))) scripts/setup.py

export PATH := $(CURDIR)/.tools/node/bin:$(PATH)
PY = .venv/bin/python
NPM = npm --prefix web

include deploy/server/server.mk

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Set up what is missing, then start everything and print the address
	@$(SETUP) run
	@exec $(PY) -m folkmoot up

dev: ## The same, and server and page follow every change of the source
	@$(SETUP) dev
	@exec $(PY) scripts/dev.py

test: ## Set up what is missing, then run every check and every test
	@$(SETUP) test
	@$(PY) scripts/test.py

check: ## Formatting, lint, types and import rules of server and page
	@$(SETUP) check
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo
	$(NPM) run lint
	$(NPM) run type-check

# The whole stack, where there is Docker: compose.yaml
COMPOSE = docker compose

up: ## Start the whole stack at http://localhost, with Docker
	@$(COMPOSE) up -d --wait

upb: ## The same, with its images and containers made anew
	@$(COMPOSE) up -d --wait --build --force-recreate

stop: ## Stop the stack; its data stays in .data
	@$(COMPOSE) stop

db: ## psql in the stack's database
	@$(COMPOSE) exec db sh -c 'exec psql -U "$$POSTGRES_USER" "$$POSTGRES_DB"'

r: ## redis-cli in the stack's Redis, with what the servers may do
	@$(COMPOSE) exec redis sh -c 'REDISCLI_AUTH="$$REDIS_PASSWORD" exec redis-cli --user folkmoot'

b: ## A shell in a container of the stack: make b c=api
	@$(COMPOSE) exec $(or $(c),$(error Say which: make b c=api)) sh

env: ## Write .env with fresh secrets; for a server: FOR=production URL=https://chat.example.org EMAIL=you@example.org
	@$(or $(PYTHON),$(error $(OLD))) scripts/environment.py env $(if $(FOR),--for $(FOR)) $(if $(URL),--url $(URL)) $(if $(EMAIL),--email $(EMAIL))

password: ## Give the stack's database other passwords
	@$(or $(PYTHON),$(error $(OLD))) scripts/environment.py password

site: ## Build the single-page app into folkmoot/site
	@$(SETUP) site

wheel: ## Build dist/folkmoot-*.whl, which holds the pages too
	@$(SETUP) wheel
	$(PY) -m build --wheel --no-isolation

# Versions that are pinned already stay: `make pins UPGRADE=--upgrade` takes the newest.
PIN = .venv/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url --no-emit-find-links $(UPGRADE)
pins: ## Write requirements/*.txt anew from requirements/*.in
	@$(SETUP) pins
	cd requirements && for name in base dev wheel kubernetes node image deploy acme audit; do ../$(PIN) $$name.in -o $$name.txt || exit 1; done
	for each in examples/*/requirements.in; do \
		(cd $${each%/*} && ../../$(PIN) -c ../../requirements/dev.txt --no-annotate requirements.in -o requirements.txt) || exit 1; done

audit: ## Look up the known holes of what is pinned, where PyPI and npm tell of them
	@$(SETUP) audit
	@$(PY) scripts/audit.py

bench: ## Measure the real-time path beside the limits of this machine
	@$(SETUP) test
	$(PY) -m bench.run

soak: ## Every fault under a full load, then two at a time: MINUTES=20 SEED=1 repeat a run
	@$(SETUP) test
	$(PY) -m tests.fault.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

kubernetes-try: ## Try everything on the cluster that kubectl reaches: TAG=0.1.0 NEXT=0.1.1 name two versions of the images
	@$(SETUP) test
	$(PY) -m tests.kubernetes.try_out $(if $(TAG),--tag $(TAG)) $(if $(NEXT),--next-tag $(NEXT))

reference: ## Write anew what is made from the source: settings, schema, stubs, the page's types of the API
	@$(SETUP) check
	$(PY) scripts/settings_reference.py
	$(PY) scripts/permissions.py
	$(PY) scripts/nginx_reference.py
	$(PY) scripts/schema.py
	$(PY) scripts/stubs.py
	$(PY) -m folkmoot openapi > web/openapi.json
	$(NPM) run generate

clean: ## Remove what was set up and built; keeps .data
	rm -rf .venv .tools dist folkmoot/site web/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
