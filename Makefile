# `make run` starts the demo, `make test` runs every test; both install what they need first.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
ARGS ?=
export PYTHONHASHSEED ?= 0

.PHONY: test-train help install install-dev run console test check prove prove-rabbitmq prove-s3 bench format lock sdl docs

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

install:
	@tools/install.sh base

install-dev:
	@tools/install.sh dev

run: install ## install what is needed and start the demo; Ctrl-C stops it
	@exec $(BIN)/breakwater up --demo $(ARGS)

console: install ## talk to the running demo
	@exec $(BIN)/breakwater console $(ARGS)

test: install-dev ## run the whole test suite, with real PostgreSQL and Redis, and check coverage
	@rm -f .coverage .coverage.*
	$(BIN)/python -m coverage run -m pytest --numprocesses 2 --dist loadfile $(ARGS)
	@$(BIN)/python -m coverage combine -q
	@$(BIN)/python tools/coverage_floors.py

check: install-dev ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=.:graphql $(BIN)/lint-imports --no-cache

test-train: install-dev ## train and export networks for real, in an environment of their own with torch
	@tools/train_install.sh
	PYTHONPATH=.:graphql OMP_NUM_THREADS=1 .venv-train/bin/python -m pytest tests/trained/check_*.py $(ARGS)

prove: install-dev ## short profiles of the heavy proofs
	$(BIN)/python tools/prove.py $(ARGS)

prove-rabbitmq: install-dev ## the proof of jobs on RabbitMQ; installs the machine's package where it is missing
	@tools/rabbitmq.sh
	PYTHONPATH=.:graphql $(BIN)/python tools/prove.py job_storm --with=--broker=rabbitmq $(ARGS)

prove-s3: install-dev ## files of models in a bucket: s3fs against a bucket server, in an environment of their own
	@tools/s3_install.sh
	PYTHONPATH=.:graphql .venv-s3/bin/python tests/proofs/s3/prove.py

prove-clients: install-dev ## graphql-ws, Apollo, gql and graphql-http's audit against a server; needs npm
	$(BIN)/python tests/proofs/clients/prove.py $(ARGS)

bench-api: install-dev ## what the API bears, next to a bare Strawberry server; ARGS=--full for five minutes
	$(BIN)/python benchmarks/api_load.py $(ARGS)

bench: install-dev ## measure speed; writes benchmarks/results
	$(BIN)/python tools/bench.py $(ARGS)

format: install-dev ## format the sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: install-dev ## compile the locked requirement files anew
	tools/lock.sh

sdl: install-dev ## renew graphql/schema.graphql
	$(BIN)/breakwater sdl > graphql/schema.graphql

docs: install-dev ## renew the generated pages
	$(BIN)/python tools/generate_docs.py
