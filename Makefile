# SPDX-FileCopyrightText: The endplate authors
# SPDX-License-Identifier: Apache-2.0

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules

BIN := .tmp/bin
BUF_VERSION := v1.75.0
GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION := v1.9.0
# The version that go.mod pins, so that generated code fits the library.
PROTOC_GEN_GO_VERSION = $(shell go list -m -f '{{.Version}}' google.golang.org/protobuf)
PROTOC_GEN_GO_GRPC_VERSION := v1.6.2
GRPC_GATEWAY_VERSION = $(shell go list -m -f '{{.Version}}' github.com/grpc-ecosystem/grpc-gateway/v2)
GENERATORS := $(addprefix $(BIN)/,protoc-gen-go protoc-gen-go-grpc protoc-gen-grpc-gateway protoc-gen-openapiv2)

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 10s
FUZZ ?=
# Where the development data lies; what needs it is skipped where it is absent.
ENDPLATE_SHARED ?= $(abspath $(wildcard ../shared))
export ENDPLATE_SHARED

PROCESSORS := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# The parallel tests are those that wait: for clocks, disks and other processes. They
# begin first, and what computes fills their pauses.
ATONCE := -p $(shell expr $(PROCESSORS) + 2) -parallel $(shell expr $(PROCESSORS) + 6)

FUZZERS ?= $(PROCESSORS)

.PHONY: all
all: build test ## build and test: needs nothing but Go

.PHONY: build
build: ## build bin/endplate
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/endplate ./cmd/endplate

.PHONY: test
test: ## run all tests
	go vet ./...
	go test -vet=off -shuffle=on -timeout 30m $(ATONCE) ./api/... ./cmd/... ./...

.PHONY: test-race
test-race: ## run all tests with the race detector (needs a C compiler); several times slower
	go test -race -shuffle=on -timeout 60m $(ATONCE) ./api/... ./cmd/... ./...

.PHONY: demo
demo: build ## serve, send a made patient before and after treatment, print findings, truth and what changed
	.ci/demo bin/endplate

.PHONY: bench
bench: ## time every stage, and the whole on a made CT of 512×512×300, beside dcm2niix
	go test -run '^$$' -bench . -benchmem -timeout 60m ./...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME=10s each, or those whose name has FUZZ, and count the executions
	go list -f '{{.ImportPath}} {{.Dir}}' ./... | while read -r package dir; do \
		for target in $$(cat "$$dir"/*_test.go 2>/dev/null | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*$(FUZZ)[A-Za-z0-9_]*\)(.*/\1/p'); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -parallel $(FUZZERS) "$$package"; \
		done; \
	done | awk '{ print; fflush() } \
		/^fuzz: elapsed/ { sub(/.*execs: /, ""); last = $$1 + 0 } \
		/ Fuzz[A-Za-z0-9_]*$$/ { sum += last; last = 0 } \
		END { print sum + last, "executions" }'

.PHONY: cover
cover: ## write coverage.out and print the total
	go test -coverprofile=coverage.out -coverpkg=./analysis/...,./api/...,./cmd/... ./...
	go tool cover -func=coverage.out | tail -1

.PHONY: score
score: build ## compare with the reference readings, where the development data is there
	$(ENDPLATE_SHARED)/score.py --bin bin/endplate

ACCURACY ?= 200

.PHONY: accuracy
accuracy: ## measure ACCURACY=200 made spines, and 40 of them in other slices and kernels; some 20 minutes on two cores
	ENDPLATE_ACCURACY=$(ACCURACY) go test -count=1 -v -timeout 3h -run '^Test(Accuracy|MeasuresAtTheBorder)' ./analysis

COHORT ?= 200

.PHONY: cohort
cohort: ## batch over COHORT=200 made studies, undisturbed and killed ten times; some 15 minutes on two cores
	ENDPLATE_COHORT=$(COHORT) go test -count=1 -v -timeout 3h -run '^TestCohort$$' ./cmd/endplate

CRASHES ?= 200

.PHONY: proof
proof: ## the server killed CRASHES=200 times on each database and by DIMSE, 1,000 series queued, three workers; half an hour on two cores
	ENDPLATE_CRASHES=$(CRASHES) ENDPLATE_LOAD=1000 ENDPLATE_ANALYSES=300 ENDPLATE_REQUESTS=5000 ENDPLATE_DIMSE_SLICES=300 ENDPLATE_DICOMWEB_SLICES=300 ENDPLATE_BROWSER_SLICES=300 \
		go test -count=1 -v -timeout 3h -run '^Test(NothingAcknowledged|DIMSEThroughput|UnderLoad|UploadThroughput|ThreeWorkers|Any|ThroughputBesideOrthanc|ReadersDoNotWait)' ./api ./api/dicomweb ./api/web

.PHONY: objects
objects: ## every DICOM object of every real series, checked by dciodvfy and dcentvfy, and reports by PixelMed; some three minutes on two cores
	ENDPLATE_OBJECTS=1 go test -count=1 -v -timeout 1h -run '^TestObjectsOfRealSeries$$' ./cmd/endplate
	ENDPLATE_PIXELMED=all go test -count=1 -v -run PixelMed ./analysis/dicom/sr

.PHONY: fmt
fmt: $(BIN)/buf ## format Go and protobuf sources
	gofmt -w analysis api cmd proto
	cd proto && ../$(BIN)/buf format -w --path endplate

.PHONY: lint
lint: $(BIN)/golangci-lint $(BIN)/buf ## check style; builds the pinned linters first, which takes minutes
	test -z "$$(gofmt -l .ci analysis api cmd proto | tee /dev/stderr)"
	go fix -diff ./...
	go mod tidy -diff
	$(BIN)/golangci-lint run
	cd proto && ../$(BIN)/buf lint
	cd proto && ../$(BIN)/buf format --diff --exit-code --path endplate

.PHONY: generate
generate: $(BIN)/buf $(GENERATORS) ## write the generated protobuf code, the OpenAPI document and the review page
	cd proto && ../$(BIN)/buf generate
	$(MAKE) web

.PHONY: web
web: ## type-check and bundle the review page (needs npm, and nothing else does)
	cd api/web && npm ci --no-audit --no-fund --ignore-scripts
	cd api/web && npm run --silent check
	cd api/web && go generate

.PHONY: check-generated
check-generated: generate ## fail if generated code differs from what is committed
	git diff --exit-code -- proto api/web
	test -z "$$(git status --porcelain -- proto api/web | tee /dev/stderr)"

AGAINST ?= main

.PHONY: breaking
breaking: $(BIN)/buf ## fail if the protobuf interface breaks that of AGAINST=main
	cd proto && ../$(BIN)/buf breaking --against '../.git#ref=$(AGAINST),subdir=proto' --path endplate

.PHONY: vuln
vuln: $(BIN)/govulncheck ## look for known vulnerabilities
	$(BIN)/govulncheck ./...

.PHONY: clean
clean: ## remove what was built
	rm -rf bin .tmp out coverage.out

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 18

# The tools are rebuilt when their versions change.
$(BIN)/buf: Makefile
	@mkdir -p $(@D)
	GOBIN=$(abspath $(@D)) go install github.com/bufbuild/buf/cmd/buf@$(BUF_VERSION)
	@touch $@

$(BIN)/protoc-gen-go: go.mod
	@mkdir -p $(@D)
	GOBIN=$(abspath $(@D)) go install google.golang.org/protobuf/cmd/protoc-gen-go@$(PROTOC_GEN_GO_VERSION)
	@touch $@

$(BIN)/protoc-gen-go-grpc: Makefile
	@mkdir -p $(@D)
	GOBIN=$(abspath $(@D)) go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@$(PROTOC_GEN_GO_GRPC_VERSION)
	@touch $@

$(BIN)/protoc-gen-grpc-gateway $(BIN)/protoc-gen-openapiv2: go.mod
	@mkdir -p $(@D)
	GOBIN=$(abspath $(@D)) go install github.com/grpc-ecosystem/grpc-gateway/v2/$(@F)@$(GRPC_GATEWAY_VERSION)
	@touch $@

$(BIN)/golangci-lint: Makefile
	@mkdir -p $(@D)
	GOBIN=$(abspath $(@D)) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@touch $@

$(BIN)/govulncheck: Makefile
	@mkdir -p $(@D)
	GOBIN=$(abspath $(@D)) go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	@touch $@
