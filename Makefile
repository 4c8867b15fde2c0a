# The commands of the project; `make` alone lists them.
SHELL := /bin/bash
PY := .venv/bin/python
export TF_CPP_MIN_LOG_LEVEL := 3
export RASA_TELEMETRY_ENABLED := false

.PHONY: help setup train run test check lint types layers content validate audit sbom evaluate bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: ## build both environments (reuses what is there)
	@scripts/setup.sh

train: setup ## train the triage and the engine if their data changed
	@scripts/train.sh

run: train ## set up, train if stale, start the bot and say what to open
	@exec .venv/bin/bot serve

test: train ## run the whole test suite, with the real engine
	@$(PY) -m pytest -q -n 2 --dist loadfile

check: train lint types layers content validate audit ## exactly what CI runs
	@$(PY) -m pytest -q -n 2 --dist loadfile

lint:
	@.venv/bin/ruff check --quiet . && .venv/bin/ruff format --check --quiet . && echo "ruff: clean"

types:
	@.venv/bin/mypy

layers:
	@.venv/bin/lint-imports --no-logo 2>/dev/null || .venv/bin/lint-imports

content: ## check words and directory
	@.venv/bin/bot directory check

validate: setup ## let Rasa check domain, data and stories
	@mkdir -p var; PYTHONPATH=$(CURDIR) engine/.venv/bin/python -m engine.quick data validate --data nlu stories responses \
	  --domain domain.yml --config config.yml > var/validate.log 2>&1 \
	  && echo "rasa data validate: clean" || { tail -30 var/validate.log; exit 1; }

audit: setup ## known vulnerabilities of both lock files (skipped with a line when pip-audit cannot reach its data)
	@scripts/audit.sh

sbom: setup ## write var/sbom-gateway.json and var/sbom-engine.json (CycloneDX)
	@mkdir -p var; .venv/bin/cyclonedx-py environment --output-reproducible --of JSON -o var/sbom-gateway.json .venv/bin/python
	@.venv/bin/cyclonedx-py environment --output-reproducible --of JSON -o var/sbom-engine.json engine/.venv/bin/python
	@echo "sbom: var/sbom-gateway.json, var/sbom-engine.json"

evaluate: train ## measure what is understood; writes docs/scorecard.md
	@$(PY) -m bench.understanding

bench: train ## run every benchmark (about fifty minutes); writes docs/performance.md
	@$(PY) -m bench.all

clean: ## remove environments, models and data of this checkout
	rm -rf .venv engine/.venv models var
