# Every recipe calls one script; the scripts say what they do.
.DEFAULT_GOAL := help
.PHONY: help setup demo lab test bench lint fuzz clean-lab

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## install the Debian packages and Python tools (sudo when not root)
	@tests/lab/setup

demo: setup ## a computer and a user get their tokens before your eyes; leaves the lab running
	@cargo build --quiet && tests/demo/run

lab: ## start the test domain, the Entra simulator and the server, and say how to use them
	@tests/lab/start

test: ## all tests by tier; ONLY="lint unit lab" chooses
	@tests/run $(ONLY)

lint: ## formatting, clippy, shellcheck, dependency policy
	@tests/run lint

bench: ## performance figures against their floors
	@benches/run

fuzz: ## fuzz targets; FUZZ_SECONDS=300 each
	@fuzz/run

clean-lab: ## stop the lab and delete everything it made
	@tests/lab/down --purge
