# make run     builds sipmeter and runs the main job: four load levels against the built-in model
# make test    the whole test suite, with everything it needs
# make deb     a Debian package in this directory
# make build   release build;  make deps, make test-deps: Debian packages only
# make lint    formatting
# make guest   explain across the border of an emulated virtual machine (QEMU, a Debian kernel, virtio-net); as root
# make bench   sipmeter beside a bare C loop and sipp: the table of goals; bench-quick: whether that works

SWIFT ?= swift
# What the build links against, and what the tests run beside it.
BUILD_PACKAGES = libssl-dev libpcap-dev zlib1g-dev libbpf-dev linux-libc-dev
RELEASE_TESTS = -c release -Xswiftc -enable-testing --scratch-path .build-release-tests
TEST_PACKAGES = $(BUILD_PACKAGES) sip-tester kamailio kamailio-tls-modules openssl tcpdump iproute2 ethtool util-linux libcap2-bin python3 man-db bsdextrautils dpkg-dev binutils \
	chromium prometheus \
	python3-venv parallel slurm-wlm munge openmpi-bin zsh fish

.PHONY: run test build deb deps test-deps lint guest bench bench-quick bench-build

run: build
	.build/release/sipmeter sweep

build: deps
	$(SWIFT) build -c release --product sipmeter

# Swift's own libraries are linked in: the package wants none but Debian's.
deb: deps
	@./.ci/install dpkg-dev binutils
	$(SWIFT) build -c release --static-swift-stdlib --scratch-path .build-deb --product sipmeter
	Packaging/deb/pack .build-deb/release/sipmeter

test: test-deps
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --skip PeerTests
	@# Load against real servers is measured with nothing beside it.
	$(SWIFT) test --skip-build --filter PeerTests
	@# Optimised: no allocation per call or datagram, and a whole virtual minute at 1,000 calls/s.
	$(SWIFT) build $(RELEASE_TESTS) --build-tests
	@# And of comparing: false alarms and power, over thousands of simulated runs.
	$(SWIFT) test $(RELEASE_TESTS) --skip-build --filter 'UserAgentTests|ComparisonTests'

deps:
	@./.ci/install $(BUILD_PACKAGES)

test-deps:
	@./.ci/install $(TEST_PACKAGES)
	@./.ci/python-peers

lint:
	$(SWIFT) format lint --strict --recursive Sources Tests scenarios Benchmarks/Sources Benchmarks/micro Benchmarks/Package.swift Package.swift Plugins

guest: build
	@./.ci/install qemu-system-x86 busybox-static cpio iproute2
	Tests/Guest/run

BENCH = Benchmarks/.build/release/bench

bench: bench-build
	$(BENCH)

bench-quick: bench-build
	$(BENCH) --quick

bench-build: deps
	@./.ci/install sip-tester tcpdump util-linux
	$(SWIFT) build -c release --product sipmeter
	$(SWIFT) build -c release --product sipmeter-micro
	$(SWIFT) build -c release --package-path Benchmarks
