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
	@[ -e target/debug/vambe ] || echo "Building the command for the first time, which takes some minutes."
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
	$(call stage,Python suites,.venv/bin/pytest --quiet --numprocesses 2 --dist loadfile --ignore tests/python/stress)
	$(call stage,Python processes and signals,.venv/bin/pytest --quiet tests/python/stress)

# The emulator's page in a real browser: Debian's chromium, or what CHROMIUM names. Pictures go to target/page.
.PHONY: test-page
test-page: ## Use the emulator's page in Chromium, and take pictures of it
	$(call stage,Emulator's page,cargo build --quiet --bin vambe && node --test-timeout=60000 --test tests/page/page.test.js)

# The site is built by tools in an environment of their own.
target/docs/ready: docs/site/requirements.txt
	$(call stage,Site set-up,python3 -m venv target/docs && target/docs/bin/pip install --quiet --disable-pip-version-check --requirement $<)
	@touch $@

# Every link is checked; nothing of the site comes from another host. What was documented of other crates is left out.
.PHONY: docs
docs: target/docs/ready node_modules/ready ## Build the documentation site and the references into target/site
	$(call stage,Site,NO_MKDOCS_2_WARNING=1 target/docs/bin/mkdocs build --strict --quiet)
	$(call stage,Node reference,npx typedoc --options docs/site/typedoc.json --out target/site/api/node)
	rm -rf target/doc
	$(call stage,Rust reference,RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --package vambe --package vambe-import --package vambe-emulator)
	cp -r target/doc target/site/api/rust
	$(call stage,Links,python3 docs/site/check.py target/site)

.PHONY: stress
stress: .venv/ready node_modules/ready ## Run the full rounds of fork, exit, Ctrl-C, cancellation, memory, order, pace and kill
	STRESS=full cargo test --quiet --release --package vambe-tests --test stops --test limited_server --test journal --test emulator -- --nocapture
	VIRTUAL_ENV=.venv .venv/bin/maturin develop --quiet
	STRESS=full .venv/bin/pytest --quiet tests/python/stress
	npm run --silent build
	STRESS=full node --test tests/node/stress/*.test.js tests/node/client.test.js

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

.PHONY: package-node
package-node: node_modules/ready $(PACKAGES)/tools/ready
	rm -rf $(PACKAGES)/node
	$(call stage,Addon for an old glibc,$(PACKER) node bindings/node/build.js --release --zig $(PLATFORM) $(PACKAGES)/vambe.node)
	$(call stage,npm packages where they are installed,node bindings/node/package.js $(PACKAGES)/node $(PACKAGES)/vambe.node)

.PHONY: check
check: ## Check formatting, lints, documentation and the public API
	$(call stage,formatting,cargo fmt --check)
	$(call stage,lints,cargo clippy --all-targets --quiet -- -D warnings)
	$(call stage,documentation,RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --quiet)
	$(call stage,public API,cargo run --quiet --package vambe-public-api)

.PHONY: public-api
public-api: ## List the public API of the crates anew, after a change that is meant
	cargo run --quiet --package vambe-public-api -- --write

# Programs that are not in a registry of ready-made ones are built once, into target/audit.
target/audit/ready: .github/release/requirements.txt
	$(call stage,Audit set-up,python3 -m venv target/audit && target/audit/bin/pip install --quiet --disable-pip-version-check --requirement $< && cargo install --quiet --locked --root target/audit cargo-deny@0.20.2 && cargo install --quiet --locked --root target/audit --features cli cargo-about@0.9.3)
	@touch $@

.PHONY: audit
audit: target/audit/ready ## Hold licences and sources of dependencies, and the workflows, against the rules
	$(call stage,dependencies,target/audit/bin/cargo-deny --log-level error check --hide-inclusion-graph bans licenses sources)
	$(call stage,workflows,target/audit/bin/zizmor --offline --quiet --persona pedantic .)
	$(call stage,texts of licences,python3 .github/release/licences.py check)

.PHONY: licences
licences: target/audit/ready ## Write LICENSE-THIRD-PARTY anew, after a change of dependencies
	python3 .github/release/licences.py

SBOMS ?= target/sbom
target/audit/bin/cargo-cyclonedx:
	$(call stage,SBOM set-up,cargo install --quiet --locked --root target/audit cargo-cyclonedx@0.5.9)

.PHONY: sbom
sbom: target/audit/bin/cargo-cyclonedx ## List what is in each package (CycloneDX), into target/sbom
	$(call stage,SBOM,python3 .github/release/sbom.py $(SBOMS))

.PHONY: fix
fix: ## Format, and mend what can be mended without thinking
	cargo clippy --all-targets --fix --allow-dirty --allow-staged --quiet
	cargo fmt

# What is shipped, beside its peers. `make bench-python` and the like measure a part, and print it.
BENCH_PARTS := rust import python node emulator pacing
BENCHES = $${CARGO_TARGET_DIR:-target}/shipped/vambe-benches

.PHONY: bench
bench: ## Measure everything beside its peers, and write the table of docs/benchmarks.md
	python3 benches/report.py begin
	$(MAKE) --no-print-directory -j1 $(BENCH_PARTS:%=bench-%)
	python3 benches/report.py write docs/benchmarks.md

# Runs one part, and shows its rows.
define measured
	@mkdir -p target/bench && rm -f target/bench/$(1).jsonl
	BENCH_ROWS=target/bench/$(1).jsonl $(2)
	@python3 benches/report.py show target/bench/$(1).jsonl
endef

.PHONY: bench-program
bench-program:
	cargo build --quiet --profile shipped --package vambe-benches

.PHONY: bench-rust
bench-rust: bench-program
	$(call measured,rust,$(BENCHES))

.PHONY: bench-import
bench-import: bench-program
	$(call measured,import,$(BENCHES) import)

.PHONY: bench-emulator
bench-emulator: bench-program
	cargo build --quiet --profile shipped --bin vambe
	$(call measured,emulator,$(BENCHES) emulator "$${CARGO_TARGET_DIR:-target}/shipped/vambe")

.PHONY: bench-python
bench-python: bench-program wheel
	python3 -m venv --clear target/bench-python
	target/bench-python/bin/pip install --quiet --disable-pip-version-check --requirement benches/python/requirements.txt target/wheels/*.whl
	$(call measured,python,target/bench-python/bin/python -I benches/python/bench.py --wheel target/wheels/*.whl $(BENCHES))

.PHONY: bench-node
bench-node: bench-program node_modules/ready
	npm run --silent build -- --release
	npm ci --silent --no-audit --no-fund --prefix benches/node
	$(call measured,node,node benches/node/main.js $(BENCHES))

.PHONY: bench-pacing
bench-pacing:
	cargo test --quiet --package vambe-tests --test pacing -- --nocapture --test-threads 1 | tee target/bench-pacing.txt
	$(call measured,pacing,python3 benches/report.py pacing target/bench-pacing.txt)

.PHONY: bench-core
bench-core: ## Measure the pure parts of the core, one by one
	cargo bench --quiet --package vambe
