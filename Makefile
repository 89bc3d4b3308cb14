# The two commands of the README are `make demo` and `make test`.

BUILD  := .build
VENV   := $(BUILD)/venv
PYTHON := $(VENV)/bin/python
export KEYHOLD_PYTHON := $(CURDIR)/$(PYTHON)
export CGO_ENABLED := 0

.DEFAULT_GOAL := help
.PHONY: help build fips pkcs11 demo demo-cluster test race check lint vuln deps faults crash seals images syncs flips edits full custody cluster console console-pictures bench-cluster backups million attacks badkeys malformed timing tokens requests existence strangers decisions mutants clients bench profile fuzz clean packages packages-check production wheel npm chart reproducible reloads readyz

help: ## Print the targets.
	@sed -nE "s/^([a-z-]+):.*## (.*)/\1\t\2/p" Makefile | expand -t 14

build: ## Build bin/keyhold. runtimesecret erases used key material from registers, stack and heap.
	GOEXPERIMENT=runtimesecret go build -trimpath -o bin/keyhold ./cmd/keyhold

FIPS_MODULE ?= v1.0.0
fips: ## Build bin/keyhold-fips with Go's FIPS 140-3 module, and test FIPS mode with the module.
	GOFIPS140=$(FIPS_MODULE) GOEXPERIMENT=runtimesecret go build -trimpath -o bin/keyhold-fips ./cmd/keyhold
	cd pkcs11 && GOFIPS140=$(FIPS_MODULE) CGO_ENABLED=1 go build -trimpath -o ../bin/keyhold-pkcs11 .
	GOFIPS140=$(FIPS_MODULE) go test -count=1 -v -run '^Test(FIPSMode|GoRefusesWhatIsNotApproved)$$' ./cmd/keyhold
	bin/keyhold-fips version

pkcs11: ## Build bin/keyhold-pkcs11 for root keys on PKCS#11 tokens. It needs a C compiler.
	cd pkcs11 && CGO_ENABLED=1 go build -trimpath -o ../bin/keyhold-pkcs11 .

demo: build ## Run the story of the README with the official Go SDK against a real server.
	go run ./examples/first-import -keyhold bin/keyhold

demo-cluster: build ## Kill one of three nodes on a local etcd in the middle of imports, and show that nothing was lost.
	cd cluster && go build -o ../$(BUILD)/etcd ./etcd
	go run ./examples/three-nodes -keyhold bin/keyhold -etcd $(BUILD)/etcd

test: deps build ## Install what the tests need, and run all tests.
	go run ./tally -timeout 60m ./... # go test, and then what the tests counted; there is time for a busy machine
	cd cluster && go test -parallel 6 -timeout 30m ./... # with servers of etcd and PostgreSQL; the tests mostly wait
	cd pkcs11 && CGO_ENABLED=1 go test ./... # with SoftHSM
	cd browser && go test -timeout 30m ./... # with Chromium

race: deps ## Run all tests with the race detector.
	CGO_ENABLED=1 go test -race -timeout 120m ./...
	cd cluster && CGO_ENABLED=1 go test -race -timeout 60m ./...
	cd pkcs11 && CGO_ENABLED=1 go test -race ./...

check: ## Run what finds most mistakes in under a minute: formatting, vet, staticcheck, the import law, the documents.
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt -w these:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	cd tools && go build -o ../$(BUILD)/ honnef.co/go/tools/cmd/staticcheck
	$(BUILD)/staticcheck ./...
	cd cluster && go vet ./... && ../$(BUILD)/staticcheck ./...
	cd browser && go vet ./... && ../$(BUILD)/staticcheck ./...
	cd pkcs11 && CGO_ENABLED=1 go vet ./... && CGO_ENABLED=1 ../$(BUILD)/staticcheck ./...
	go test -count=1 -run '^Test(ImportLaw|HTTPFiles|DesignNamesRooms|Columns|Documents|ColumnsOfDocuments|FlagsInDocuments|StateColumn)$$' . ./cmd/keyhold ./internal/key

lint: check ## The same as check, which .ci/run calls.

vuln: ## Ask the database of known vulnerabilities, which is on the network.
	cd tools && go build -o ../$(BUILD)/ golang.org/x/vuln/cmd/govulncheck
	$(BUILD)/govulncheck ./...
	cd cluster && ../$(BUILD)/govulncheck -test ./...
	cd pkcs11 && CGO_ENABLED=1 ../$(BUILD)/govulncheck ./...

faults: crash seals recoveries images syncs flips full ## Run crash, seals, recoveries, images, syncs, flips and full: what can go wrong with a machine.

crash: build ## Kill the server 1,000 times under load, and verify the folder and its audit log after each kill.
	KEYHOLD_KILLS=1000 go test -count=1 -v -timeout 60m -run '^Test(LinearizableKills|SlotsAfterKills)$$' ./cmd/keyhold

recoveries: ## Kill keyhold recover at 100 random moments; recover from, and move between, all kinds of custody.
	KEYHOLD_KILLS=100 KEYHOLD_CUSTODY_PAIRS=all go test -count=1 -v -timeout 60m \
		-run '^Test(KillsOfRecover|RecoveryFromEachCustody|MigrateBetweenCustodies)$$' ./cmd/keyhold

seals: build ## Kill the server 100 times during each of keyhold seal rotate and migrate.
	KEYHOLD_SEAL_KILLS=100 KEYHOLD_SEAL_KEYS=200 go test -count=1 -v -timeout 60m -run '^TestSealKills$$' ./cmd/keyhold

images: build ## Open 500 images of power failures, made from the recorded writes and syncs.
	KEYHOLD_IMAGES=500 go test -count=1 -v -timeout 60m -run '^TestCrashImages$$' ./cmd/keyhold

syncs: build ## Fail each of the first 100 syncs.
	KEYHOLD_FSYNCS=100 go test -count=1 -v -timeout 60m -run '^TestFsyncFaults$$' ./cmd/keyhold

edits: ## Edit an audit log 2,000 times, and verify that each edit is found.
	KEYHOLD_EDITS=$${KEYHOLD_EDITS:-2000} go test -count=1 -v -timeout 30m -run 'TestEdits$$' ./internal/audit

flips: build ## Flip 2,000 bits of a data folder, one at a time.
	KEYHOLD_FLIPS=2000 go test -count=1 -v -timeout 60m -run '^TestBitFlips$$' ./cmd/keyhold

full: build ## Fill the disk 20 times.
	KEYHOLD_FILLS=20 go test -count=1 -v -timeout 60m -run '^TestFullDisk$$' ./cmd/keyhold

readyz: build ## Inject 14 faults into real servers, and print how soon /readyz names each.
	KEYHOLD_READYZ=1 go test -count=1 -v -timeout 30m -run '^TestReadyzNamesFaults$$' ./cmd/keyhold
	cd cluster && go test -count=1 -v -timeout 30m -run '^TestReadyzNamesFaultsOfNodes$$' .

RELOADS ?= 100
reloads: build ## Reload certificate, limits and log level RELOADS times under 500 requests a second; none may fail.
	KEYHOLD_RELOADS=$(RELOADS) go test -count=1 -v -timeout 30m -run '^TestReloadUnderLoad$$' ./cmd/keyhold

CUSTODY_FAULTS ?= 200
custody: ## Kill, slow down and remove custodies of all kinds under load, CUSTODY_FAULTS times.
	KEYHOLD_CUSTODY_FAULTS=$(CUSTODY_FAULTS) go test -count=1 -v -timeout 60m -run '^TestCustodyFaults$$' ./cmd/keyhold

CHAOS ?= 200
CHAOS_SEED ?= 0
cluster: ## Run 10,000 scenarios of each kind of several services on a store that loses answers, delays, cuts and pauses; kill servers of etcd and of PostgreSQL.
	KEYHOLD_CLUSTER=10000 go test -count=1 -v -timeout 240m -run '^TestCluster' ./internal/service
	cd cluster && KEYHOLD_CLUSTER=10000 KEYHOLD_CHAOS=$(CHAOS) KEYHOLD_CHAOS_SEED=$(CHAOS_SEED) go test -count=1 -v -timeout 120m ./... # runs all stories on three nodes (KEYHOLD_STORIES chooses some), kills more members, and waits until etcd removes its log

console: deps ## Test the console in Chromium: every page with no, three and 100,000 keys, sign-in, pictures into .build/console.
	cd browser && KEYHOLD_CONSOLE=$(CURDIR)/$(BUILD)/console go test -count=1 -v -timeout 60m ./...

console-pictures: deps ## Take the pictures of docs/console.md again.
	cd browser && KEYHOLD_CONSOLE=$(CURDIR)/docs/console go test -count=1 -run '^TestPictures$$' .

bench-cluster: build ## Compare nodes on etcd and on PostgreSQL with a folder, its writers with bare clients of etcd, and with -before PROGRAM writers of before.
	cd cluster && go build -o ../$(BUILD)/etcd ./etcd
	go run ./bench -keyhold bin/keyhold -etcd $(BUILD)/etcd -parts node,before -runs 9 -d 1s $(BENCHFLAGS)
	cd cluster && KEYHOLD_WRITERS=15 go test -count=1 -v -timeout 30m -run '^Test(Postgres)?(Writers|Decrypt)$$' .

KEYHOLD_KEYS ?= 20000
backups: build ## Back up a store of KEYHOLD_KEYS keys under 500 requests a second, restore it elsewhere, and check it.
	go run ./bench -keyhold bin/keyhold -parts backup -keys $(KEYHOLD_KEYS) $(BENCHFLAGS)

million: ## Measure start and memory with 10 and with 1,000,000 keys.
	go test -run '^$$' -bench '^BenchmarkStart$$' -benchtime 3x -timeout 30m ./internal/service

bench: build ## Measure requests against reference servers, and with 1,000,000 keys; BENCHFLAGS=-help shows the flags.
	go run ./bench -keyhold bin/keyhold $(BENCHFLAGS)

OPERATION ?= Decrypt
profile: build ## Show where the time of a request goes; OPERATION=Encrypt chooses another operation.
	go run ./bench -keyhold bin/keyhold -ops $(OPERATION) -profile $(BUILD)/$(OPERATION).prof
	go tool pprof -top -cum -nodecount=60 bin/keyhold $(BUILD)/$(OPERATION).prof

attacks: badkeys malformed timing tokens requests existence strangers ## Run badkeys, malformed, timing, tokens, requests, existence and strangers.

strangers: build ## Attack a running server, and print a line for each attack; ATTACKS=-help shows the flags.
	go run ./attacks -keyhold bin/keyhold $(ATTACKS)

badkeys: ## Refuse crafted private keys, each within 250 ms.
	KEYHOLD_REFUSAL_LIMIT=250ms go test -count=1 -v -run '^TestBadKeys$$' ./internal/privatekey

malformed: ## Refuse 1,000 of each of twelve kinds of malformed wrapped material with one answer.
	KEYHOLD_MALFORMED=1000 go test -count=1 -timeout 60m -run '^TestMalformedAnswersAreOne$$' ./internal/service

timing: ## Compare how long malformed wrapped material takes: 100,000 samples of each comparison.
	KEYHOLD_TIMING=100000 go test -count=1 -v -timeout 60m -run '^TestUnwrapTiming$$' ./internal/crypt

tokens: ## Refuse 1,000,000 mutated import tokens.
	KEYHOLD_TOKENS=1000000 go test -count=1 -v -timeout 60m -run '^TestMutatedTokens$$' ./internal/service

requests: ## Refuse 1,000,000 mutated signed requests of KMS and STS.
	KEYHOLD_REQUESTS=1000000 go test -count=1 -v -timeout 60m -run '^TestMutations$$' ./internal/sigv4

existence: ## Compare how long a missing and an existing key take: 100,000 samples of each comparison.
	KEYHOLD_EXISTENCE=100000 go test -count=1 -v -timeout 60m -parallel 6 -run '^TestExistenceTiming$$' ./internal/service

decisions: ## Compare the policy engine with a naive evaluator on 1,000,000 random requests.
	KEYHOLD_DECISIONS=1000000 go test -count=1 -v -timeout 60m -run '^TestDecisionsAreTheNaiveOnes$$' ./internal/policy

mutants: deps build ## Change the code in 200 places, one at a time, and count which changes a test notices. MUTANTS=-help shows the flags.
	go run ./mutants $(MUTANTS)

clients: build ## Run eight programs that were written for AWS KMS, unmodified; CLIENTS=sops chooses.
	go run ./clients/installed -keyhold bin/keyhold -build $(BUILD)/clients $(CLIENTS)

FUZZTIME ?= 30s
fuzz: ## Run each fuzz target for FUZZTIME.
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

deps: $(BUILD)/deps ## Install what the tests need.

$(BUILD)/deps: examples/requirements.txt clients/javascript/package-lock.json browser/package-lock.json clients/java/pom.xml .ci/deps
	.ci/deps $(VENV)
	touch $@

chart: ## Render the Helm chart into the types of Kubernetes, and parse the alert rules and the dashboard.
	cd packaging/tools && go test -count=1 -v -run '^Test(Chart|DecodingIsStrict|AlertRules|Dashboard)$$' ./check

reproducible: ## Build all packages of the last commit in two folders, and compare each byte.
	packaging/reproducible $(BUILD)/reproducible

packages: ## Build all packages into dist; VERSION=1.2.3 sets their version, and KEY=FILE signs them.
	packaging/build program licences deb image wheel npm chart sbom sums

wheel: ## Build the package for Python into dist, and test it in an empty environment.
	packaging/build program licences wheel
	cd packaging/tools && go test -count=1 -v -run '^TestWheel$$' ./check

npm: ## Build the package for Node.js into dist, and test it in an empty folder.
	packaging/build program licences npm
	cd packaging/tools && go test -count=1 -v -run '^TestNpm$$' ./check

DEBIAN ?= $(BUILD)/debian
packages-check: packages ## Test the packages of dist: lintian, and an upgrade in a Debian under systemd-nspawn. Needs root.
	packaging/build former
	packaging/debian $(DEBIAN)
	cd packaging/tools && KEYHOLD_DEBIAN=$(abspath $(DEBIAN)) go test -count=1 -v -timeout 60m ./check

production: ## Run each command of docs/production.md, and the demo from the installed package. Needs root.
	packaging/build program licences deb former
	packaging/debian $(DEBIAN)
	cd packaging/tools && KEYHOLD_DEBIAN=$(abspath $(DEBIAN)) go test -count=1 -v -timeout 60m \
		-run '^Test(ProductionPage|DemoFromPackage)$$' ./check

clean: ## Remove everything that make has made.
	rm -rf bin dist $(BUILD) clients/java/target clients/javascript/node_modules
