# `make help` lists the targets. Needs cargo, Python, Node, make and a C compiler; nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export CARGO_TERM_COLOR ?= never

# Runs one stage, and prints how long it took.
define stage
	@echo "== $(1)"; start=$$SECONDS; $(2); echo "== $(1): $$((SECONDS - start)) s"
endef

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "  %-12s %s\n", $$1, $$2 }'

.PHONY: demo
demo: ## Import examples/customers.csv into an emulator; no key, no account
	cargo build --quiet --bin vambe
	@mkdir -p target/demo
	target/debug/vambe import examples/customers.csv --emulator --max-rate 250 --rejects target/demo/rejects.csv \
		|| { code=$$?; [ $$code -eq 3 ] || exit $$code; }
	@echo; echo "The first rejected rows:"; head -n 4 target/demo/rejects.csv | cut -c -160

.PHONY: test
test: check test-rust test-node ## Run every check and every suite
	@echo "== all suites passed"

.PHONY: test-rust
test-rust:
	$(call stage,Rust suites,cargo test --quiet)

.PHONY: test-node
test-node:
	$(call stage,Node suites: build,cargo build --quiet --bin vambe)
	$(call stage,Node suites,node --test tests/node/)

.PHONY: check
check: ## Check formatting, lints and documentation
	$(call stage,formatting,cargo fmt --check)
	$(call stage,lints,cargo clippy --all-targets --quiet -- -D warnings)
	$(call stage,documentation,RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --quiet)

.PHONY: fix
fix: ## Format, and mend what can be mended without thinking
	cargo clippy --all-targets --fix --allow-dirty --allow-staged --quiet
	cargo fmt

.PHONY: bench
bench: ## Measure the pure parts, and the client side by side with its peers
	cargo bench --quiet --package vambe
	cargo run --quiet --release --package vambe-benches
