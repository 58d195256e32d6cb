# `make help` lists the targets. Needs cargo, Python, Node, make and a C compiler; nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export CARGO_TERM_COLOR ?= never

# Runs one stage, and prints how long it took.
define stage
	@echo "== $(1)"; start=$$SECONDS; { $(2); } || { echo "== $(1): failed" >&2; exit 1; }; echo "== $(1): $$((SECONDS - start)) s"
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
test: check test-rust test-openapi test-python test-node ## Run every check and every suite
	@echo "== all suites passed"

.PHONY: test-rust
test-rust:
	$(call stage,Rust suites,cargo test --quiet)

# The virtual environment is made anew when its list of packages changes.
.venv/ready: tests/python/requirements.txt
	$(call stage,Python set-up,python3 -m venv .venv && .venv/bin/python -m pip install --quiet --upgrade pip==26.3 && .venv/bin/pip install --quiet --requirement $< && .venv/bin/pyright --version)
	@touch $@

# An environment of its own: schemathesis brings a plugin of pytest.
target/openapi/ready: tests/openapi/requirements.txt
	$(call stage,OpenAPI set-up,python3 -m venv target/openapi && target/openapi/bin/pip install --quiet --disable-pip-version-check --requirement $<)
	@touch $@

.PHONY: test-openapi
test-openapi: target/openapi/ready
	$(call stage,Emulator against openapi.json,cargo build --quiet --bin vambe && python3 tests/openapi/check.py target/debug/vambe target/openapi/bin/schemathesis)

.PHONY: test-python
test-python: .venv/ready
	$(call stage,Python lints,.venv/bin/ruff format --check --quiet && .venv/bin/ruff check --quiet && cargo clippy --quiet --package vambe-python -- -D warnings)
	$(call stage,Python build,VIRTUAL_ENV=.venv .venv/bin/maturin develop --quiet)
	$(call stage,Python suites,.venv/bin/pytest --quiet)

# The emulator's page in a real browser: Debian's chromium, or what CHROMIUM names. Pictures go to target/page.
.PHONY: test-page
test-page: ## Use the emulator's page in Chromium, and take pictures of it
	$(call stage,Emulator's page,cargo build --quiet --bin vambe && node --test-timeout=60000 --test tests/page/page.test.js)

.PHONY: stress
stress: .venv/ready node_modules/ready ## Run the full rounds of fork, exit, Ctrl-C, cancellation, memory, order, pace and kill
	STRESS=full cargo test --quiet --release --package vambe-tests --test stops --test limited_server --test journal --test emulator -- --nocapture
	VIRTUAL_ENV=.venv .venv/bin/maturin develop --quiet
	STRESS=full .venv/bin/pytest --quiet tests/python/stress
	npm run --silent build
	STRESS=full node --test tests/node/process.test.js tests/node/client.test.js

.PHONY: simulate
simulate: ## Hold the pacer against random servers, and print the table; SIM_SEED and SIM_SERVERS pick them
	$(call stage,simulator,cargo test --quiet --package vambe-tests --test pacing -- --nocapture --test-threads 1)

# What is shipped is linked by zig, for an old glibc. Linux alone; the other platforms of platforms.json are built on their own machines.
ARCHITECTURE = $(shell uname -m)
PLATFORM = linux-$(subst x86_64,x64,$(subst aarch64,arm64,$(ARCHITECTURE)))-gnu
PACKAGES = target/packages
PACKER = PATH="$(CURDIR)/$(PACKAGES)/tools/bin:$$PATH"

.PHONY: package
package: package-python package-node package-sdist package-crates ## Build what is shipped, install it into an empty place, and use it there
	@$(PACKER) python tests/package/table.py $(PACKAGES) $(PLATFORM)

$(PACKAGES)/tools/ready: tests/package/requirements.txt
	$(call stage,Packaging set-up,python3 -m venv --clear $(@D) && $(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<)
	@touch $@

# One wheel, of the profile that pyproject.toml names, for this machine: `make package` builds the one that is published.
.PHONY: wheel
wheel: .venv/ready
	rm -rf target/wheels
	$(call stage,Wheel,.venv/bin/maturin build --quiet --out target/wheels)

.PHONY: package-python
package-python: .venv/ready $(PACKAGES)/tools/ready
	rm -rf $(PACKAGES)/wheels
	$(call stage,Wheel for an old glibc,$(PACKER) maturin build --quiet --zig --target $(ARCHITECTURE)-unknown-linux-gnu --compatibility manylinux2014 --out $(PACKAGES)/wheels)
	$(call stage,Wheel where it is installed,.venv/bin/python -u tests/package/wheel.py $(PACKAGES)/wheels)

.PHONY: package-sdist
package-sdist: $(PACKAGES)/tools/ready
	rm -rf $(PACKAGES)/sdist
	$(call stage,Source distribution,$(PACKER) python bindings/python/sdist.py $(PACKAGES)/sdist)
	$(call stage,Source distribution where it is installed,$(PACKER) python -u tests/package/sdist.py $(PACKAGES)/sdist)

.PHONY: package-crates
package-crates:
	rm -rf $(PACKAGES)/crates
	$(call stage,Crates,python3 -u tests/package/crates.py $(PACKAGES)/crates)

# On Debian only: a compiler for that platform comes from its archive. Nothing is installed into the system.
.PHONY: package-aarch64
package-aarch64: $(PACKAGES)/tools/ready
	rm -rf $(PACKAGES)/aarch64/{wheels,node}
	$(call stage,Packages for 64-bit ARM,$(PACKER) python -u tests/package/aarch64.py $(PACKAGES)/aarch64)
	@$(PACKER) python tests/package/table.py $(PACKAGES)/aarch64 linux-arm64-gnu

node_modules/ready: package-lock.json
	$(call stage,Node set-up,npm ci --silent --no-audit --no-fund)
	@touch $@

.PHONY: test-node
test-node: node_modules/ready
	$(call stage,Node build,cargo build --quiet --bin vambe && npm run --silent build && cargo clippy --quiet --package vambe-node -- -D warnings)
	$(call stage,Node suites,npm test --silent)

# The addon that is shipped, beside its peers; the server is a process apart.
.PHONY: bench-node
bench-node:
	cargo build --quiet --release --package vambe-benches
	npm run --silent build -- --release
	npm ci --silent --no-audit --no-fund --prefix benches/node
	node benches/node/main.js

.PHONY: package-node
package-node: node_modules/ready $(PACKAGES)/tools/ready
	rm -rf $(PACKAGES)/node
	$(call stage,Addon for an old glibc,$(PACKER) node bindings/node/build.js --release --zig $(PLATFORM) $(PACKAGES)/vambe.node)
	$(call stage,npm packages where they are installed,node bindings/node/package.js $(PACKAGES)/node $(PACKAGES)/vambe.node)

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
bench: bench-rust bench-python bench-node bench-emulator ## Measure the pure parts, each door side by side with its peers, and the emulator

.PHONY: bench-rust
bench-rust:
	cargo bench --quiet --package vambe
	cargo run --quiet --release --package vambe-benches
	cargo run --quiet --release --package vambe-benches -- import

# The command that is shipped, with the load made on the same machine.
.PHONY: bench-emulator
bench-emulator:
	cargo build --quiet --profile shipped --bin vambe
	cargo run --quiet --release --package vambe-benches emulator "$${CARGO_TARGET_DIR:-target}/shipped/vambe"

# The shipped wheel, beside its peers in an environment of its own; the server is a process apart.
.PHONY: bench-python
bench-python: wheel
	cargo build --quiet --release --package vambe-benches
	python3 -m venv --clear target/bench-python
	target/bench-python/bin/pip install --quiet --disable-pip-version-check --requirement benches/python/requirements.txt target/wheels/*.whl
	target/bench-python/bin/python -I benches/python/bench.py --wheel target/wheels/*.whl "$${CARGO_TARGET_DIR:-target}/release/vambe-benches"
