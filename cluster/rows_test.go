package cluster

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// testsOfRows are the tests of the rows of the table "What happens when" in docs/cluster.md, as FOLDER.TEST.
var testsOfRows = map[string]string{
	"a node stops or is killed":                                     "cluster.TestChaos cluster.TestDemo internal/nodes.TestDeadNodeIsTakenOver",
	"a node is cut off from etcd":                                   "cluster.TestChaos internal/service.TestNothingIsUsedAfterItWasTakenAway internal/nodes.TestAwait",
	"a minority of the etcd members fails":                          "cluster.TestOneOfThree cluster.TestWatchAtStoppedMember cluster.TestChaos",
	"a client goes away while its change waits for the other nodes": "internal/service.TestWaitOutlivesTheRequest",
	"etcd does not tell a node whether a change was made":           "internal/service.TestEventOfAnUnknownOutcome cluster.TestChaos",
	"a majority of the etcd members fails":                          "cluster.TestChaos cluster.TestKilledMembers",
	"a node is killed in the middle of an import":                   "cluster.TestReclaim internal/service.TestRoundsMeetLateCommits cmd/keyhold.TestSlotsAfterKills",
	"a clock is 2 s off":                                            "internal/nodes.TestClocks internal/service.TestSweepsAreDivided cluster.TestChaos",
	"a data folder is copied and both nodes start":                  "cluster.TestCopiedFolder internal/nodes.TestClonesDoNotFenceEachOtherForEver",
	"a data folder is used with the store of another deployment":    "cluster.TestProgramsOnOneCluster internal/nodes.TestNodeOfAnotherDeployment",
	"etcd is restored from an older snapshot":                       "cluster.TestRestored internal/service.TestOlderStoresAreRefused",
	"etcd is full": "cluster.TestNoSpace",

	"PostgreSQL ends or is killed":                                       "cluster.TestPostgresNoConnection cluster.TestPostgresChaos",
	"the standby of PostgreSQL is away, and no other one is synchronous": "cluster.TestPostgresWaitForStandbyEnds cluster.TestPostgresChaos",
	"a synchronous standby becomes the primary":                          "cluster.TestPostgresSplitPrimary cluster.TestPostgresChaos",
	"the old primary of PostgreSQL goes on, cut off from its standbys":   "cluster.TestPostgresSplitPrimary cluster.TestPostgresChaos",
	"a standby that lacks acknowledged changes becomes the primary":      "cluster.TestPostgresLostCommits",
	"the wait for a standby is cancelled by hand":                        "cluster.TestPostgresWaitForStandbyEnds cluster.TestPostgresChaos",
	"PostgreSQL has no connection left":                                  "cluster.TestPostgresNoConnection cluster.TestPostgresChaos",
	"the disk of PostgreSQL is full":                                     "cluster.TestPostgresFullDisk",
}

// Each row of the table has a test, and each test that is named here is there.
func TestRowsHaveTests(t *testing.T) {
	text, err := os.ReadFile("../docs/cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## What happens when\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var rows []string
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) == 4 && !strings.HasPrefix(line, "|--") {
			rows = append(rows, strings.TrimSpace(cells[1]))
		}
	}
	for _, row := range rows[1:] {
		if testsOfRows[row] == "" {
			t.Errorf("no test is named for the row %q", row)
		}
	}
	for row, tests := range testsOfRows {
		if !slices.Contains(rows, row) {
			t.Errorf("docs/cluster.md has no row %q", row)
		}
		for _, test := range strings.Fields(tests) {
			folder, name, _ := strings.Cut(test, ".")
			if !hasTest(t, folder, name) {
				t.Errorf("%s has no %s", folder, name)
			}
		}
	}
}

// hasTest reports whether a folder has a test.
func hasTest(t *testing.T, folder, name string) bool {
	files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(text, []byte("\nfunc "+name+"(t *testing.T)"))
	})
}
