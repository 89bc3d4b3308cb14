# The two commands of the README are `make demo` and `make test`.

BUILD  := .build
VENV   := $(BUILD)/venv
PYTHON := $(VENV)/bin/python
export KEYHOLD_PYTHON := $(CURDIR)/$(PYTHON)
export CGO_ENABLED := 0

.PHONY: build demo test race lint vuln deps crash million fuzz clean

# runtimesecret: key material that was used is erased from registers, stack and heap.
build:
	GOEXPERIMENT=runtimesecret go build -trimpath -o bin/keyhold ./cmd/keyhold

# The story of the README, told by the official Go SDK against a real server.
demo: build
	go run ./examples/first-import -keyhold bin/keyhold

# Everything, on a fresh machine: deps installs what the tests need.
test: deps build
	go test ./...

race: deps
	CGO_ENABLED=1 go test -race ./...

lint:
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'gofmt -w the files above'; exit 1; }
	go vet ./...
	cd tools && go build -o ../$(BUILD)/ honnef.co/go/tools/cmd/staticcheck
	$(BUILD)/staticcheck ./...
	go test -count=1 -run '^TestImportLaw$$' .

# Apart from lint: the database of vulnerabilities is on the network.
vuln:
	cd tools && go build -o ../$(BUILD)/ golang.org/x/vuln/cmd/govulncheck
	$(BUILD)/govulncheck ./...

# 100 times kill -9 during imports and deletions.
crash: build
	KEYHOLD_KILLS=100 go test -count=1 -v -run '^TestKill$$' ./cmd/keyhold

# Start and memory of the program on 10 and on 1,000,000 keys.
million:
	go test -run '^$$' -bench '^BenchmarkStart$$' -benchtime 3x -timeout 30m ./internal/service

FUZZTIME ?= 30s
fuzz:
	go test -run '^$$' -fuzz '^FuzzAuthorization$$' -fuzztime $(FUZZTIME) ./internal/identity
	go test -run '^$$' -fuzz '^FuzzDecode$$' -fuzztime $(FUZZTIME) ./internal/api
	go test -run '^$$' -fuzz '^FuzzBlob$$' -fuzztime $(FUZZTIME) ./internal/crypt
	go test -run '^$$' -fuzz '^FuzzParse$$' -fuzztime $(FUZZTIME) ./internal/seed

deps: $(BUILD)/deps

$(BUILD)/deps: examples/requirements.txt .ci/deps
	.ci/deps $(VENV)
	touch $@

clean:
	rm -rf bin $(BUILD)
