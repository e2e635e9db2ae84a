# One entry for each job; what each does is in scripts/.

.PHONY: demo demo-azure test check set-up build package bench

# Two VMs, three faults, the differences and a certificate. Root; asks before it installs (YES=1 answers).
demo:
	@scripts/set-up demo
	@scripts/demo

demo-azure:
	@scripts/set-up demo
	@scripts/demo-azure

# Every test, also those that need root, namespaces and real-kernel VMs. Root.
test:
	@scripts/set-up test
	@scripts/run-tests

# Format, lints, dependencies, and all tests that need no root.
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	scripts/check-deps
	scripts/run-tests --skip root_ --skip pypi_

build:
	cargo build --release --locked

# deb and rpm of the agent, the controller and the command, in target/package.
package:
	@scripts/set-up package
	@scripts/package

# Large rulesets read by netghost and by the ordinary tools, side by side. Root.
bench:
	@scripts/set-up bench
	@scripts/bench

set-up:
	@scripts/set-up test
