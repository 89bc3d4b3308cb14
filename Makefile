# The two commands of the README are `make demo` and `make test`.

BUILD  := .build
VENV   := $(BUILD)/venv
PYTHON := $(VENV)/bin/python
export KEYHOLD_PYTHON := $(CURDIR)/$(PYTHON)
export CGO_ENABLED := 0

.PHONY: build demo test race lint vuln deps faults crash images syncs flips full million attacks badkeys malformed timing tokens requests existence strangers decisions mutants clients bench profile fuzz clean

# runtimesecret: key material that was used is erased from registers, stack and heap.
build:
	GOEXPERIMENT=runtimesecret go build -trimpath -o bin/keyhold ./cmd/keyhold

# The story of the README, told by the official Go SDK against a real server.
demo: build
	go run ./examples/first-import -keyhold bin/keyhold

# Everything, on a fresh machine: deps installs what the tests need. tally is go test ./..., and
# shows what the tests counted. The time-out leaves room for other work on the machine.
test: deps build
	go run ./tally -timeout 60m ./...

race: deps
	CGO_ENABLED=1 go test -race -timeout 120m ./...

lint:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt -w these:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	! git grep -nE '^(<{7} |>{7} |={7}$$)' -- .
	cd tools && go build -o ../$(BUILD)/ honnef.co/go/tools/cmd/staticcheck
	$(BUILD)/staticcheck ./...
	go test -count=1 -run '^TestImportLaw$$' .

# Apart from lint: the database of vulnerabilities is on the network.
vuln:
	cd tools && go build -o ../$(BUILD)/ golang.org/x/vuln/cmd/govulncheck
	$(BUILD)/govulncheck ./...

# What can go wrong with a machine, in the numbers that make test is too short for.
faults: crash images syncs flips full

# kill -9 under load, 1,000 times.
crash: build
	KEYHOLD_KILLS=1000 go test -count=1 -v -timeout 60m -run '^TestLinearizableKills$$' ./cmd/keyhold

# 500 power failures, from the recorded writes and syncs.
images: build
	KEYHOLD_IMAGES=500 go test -count=1 -v -timeout 60m -run '^TestCrashImages$$' ./cmd/keyhold

# An error at each of the first 100 syncs.
syncs: build
	KEYHOLD_FSYNCS=100 go test -count=1 -v -timeout 60m -run '^TestFsyncFaults$$' ./cmd/keyhold

# 2,000 flipped bits.
flips: build
	KEYHOLD_FLIPS=2000 go test -count=1 -v -timeout 60m -run '^TestBitFlips$$' ./cmd/keyhold

# A full disk, 20 times.
full: build
	KEYHOLD_FILLS=20 go test -count=1 -v -timeout 60m -run '^TestFullDisk$$' ./cmd/keyhold

# Start and memory of the program on 10 and on 1,000,000 keys.
million:
	go test -run '^$$' -bench '^BenchmarkStart$$' -benchtime 3x -timeout 30m ./internal/service

# Against reference servers, and with 1,000,000 keys; BENCHFLAGS=-help tells the flags.
bench: build
	go run ./bench -keyhold bin/keyhold $(BENCHFLAGS)

# Where the time of a request goes: OPERATION=Encrypt for another.
OPERATION ?= Decrypt
profile: build
	go run ./bench -keyhold bin/keyhold -ops $(OPERATION) -profile $(BUILD)/$(OPERATION).prof
	go tool pprof -top -cum -nodecount=60 bin/keyhold $(BUILD)/$(OPERATION).prof

# What an attacker may try, in the numbers that make test is too short for: on the way in, and
# against a running server; ATTACKS=-help shows the flags.
attacks: badkeys malformed timing tokens requests existence strangers

# Attacks on a running server, a line for each.
strangers: build
	go run ./attacks -keyhold bin/keyhold $(ATTACKS)

# No crafted private key takes longer to refuse than this.
badkeys:
	KEYHOLD_REFUSAL_LIMIT=250ms go test -count=1 -v -run '^TestBadKeys$$' ./internal/privatekey

# Twelve classes of malformed wrapped material, 1,000 of each: one answer.
malformed:
	KEYHOLD_MALFORMED=1000 go test -count=1 -timeout 60m -run '^TestMalformedAnswersAreOne$$' ./internal/service

# How wrapped material fails cannot be told by the time: 100,000 samples of each comparison.
timing:
	KEYHOLD_TIMING=100000 go test -count=1 -v -timeout 60m -run '^TestUnwrapTiming$$' ./internal/crypt

# 1,000,000 mutated import tokens: none is accepted.
tokens:
	KEYHOLD_TOKENS=1000000 go test -count=1 -v -timeout 60m -run '^TestMutatedTokens$$' ./internal/service

# 1,000,000 mutated signed requests, of KMS and STS, with and without a session: none is
# accepted.
requests:
	KEYHOLD_REQUESTS=1000000 go test -count=1 -v -timeout 60m -run '^TestMutations$$' ./internal/sigv4

# Whether a key is there cannot be told by the time: 100,000 samples of each comparison.
existence:
	KEYHOLD_EXISTENCE=100000 go test -count=1 -v -timeout 60m -run '^TestExistenceTiming$$' ./internal/service

# 1,000,000 random requests: the policy engine decides as the naive evaluator does.
decisions:
	KEYHOLD_DECISIONS=1000000 go test -count=1 -v -timeout 60m -run '^TestDecisionsAreTheNaiveOnes$$' ./internal/policy

# 200 small changes of the code, one at a time: how many does a test notice? About an hour.
mutants: deps build
	go run ./mutants $(MUTANTS)

# Eight programs that were written for AWS KMS, each installed from its package registry, with a
# key of imported material; CLIENTS='sops tink' for some of them. Needs Go, Python, Node.js, Java
# with Maven, Rust and a C compiler; about 15 minutes at first, 5 afterwards.
clients: build
	go run ./clients/installed -keyhold bin/keyhold -build $(BUILD)/clients $(CLIENTS)

FUZZTIME ?= 30s
fuzz:
	go test -run '^$$' -fuzz '^FuzzAuthorization$$' -fuzztime $(FUZZTIME) ./internal/sigv4
	go test -run '^$$' -fuzz '^FuzzDecode$$' -fuzztime $(FUZZTIME) ./internal/api
	go test -run '^$$' -fuzz '^FuzzForm$$' -fuzztime $(FUZZTIME) ./internal/api/sts
	go test -run '^$$' -fuzz '^FuzzBlob$$' -fuzztime $(FUZZTIME) ./internal/crypt
	go test -run '^$$' -fuzz '^FuzzFiles$$' -fuzztime $(FUZZTIME) ./byok
	go test -run '^$$' -fuzz '^FuzzImportToken$$' -fuzztime $(FUZZTIME) ./internal/service
	go test -run '^$$' -fuzz '^FuzzParse$$' -fuzztime $(FUZZTIME) ./internal/privatekey
	go test -run '^$$' -fuzz '^FuzzToDER$$' -fuzztime $(FUZZTIME) ./internal/privatekey
	go test -run '^$$' -fuzz '^FuzzRead$$' -fuzztime $(FUZZTIME) ./internal/keyfile
	go test -run '^$$' -fuzz '^FuzzParse$$' -fuzztime $(FUZZTIME) ./internal/seed
	go test -run '^$$' -fuzz '^FuzzParse$$' -fuzztime $(FUZZTIME) ./internal/policy
	go test -run '^$$' -fuzz '^FuzzMatch$$' -fuzztime $(FUZZTIME) ./internal/policy

deps: $(BUILD)/deps

$(BUILD)/deps: examples/requirements.txt clients/javascript/package-lock.json clients/java/pom.xml .ci/deps
	.ci/deps $(VENV)
	touch $@

clean:
	rm -rf bin $(BUILD) clients/java/target clients/javascript/node_modules
