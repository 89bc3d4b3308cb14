package console

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The page offers each spec that the server has, with each of its usages.
func TestSpecs(t *testing.T) {
	suites, err := os.ReadFile("../key/suite.go")
	if err != nil {
		t.Fatal(err)
	}
	offered := string(newSite(t, Config{}).files["lib/specs.js"].content)
	rows := regexp.MustCompile(`(?m)^([A-Z0-9_]+) +([A-Z_]+) +AWS_KMS`).FindAllStringSubmatch(string(suites), -1)
	if len(rows) < 20 {
		t.Fatalf("only %d rows in the table of suites", len(rows))
	}
	for _, row := range rows {
		_, after, found := strings.Cut(offered, " "+row[1]+": [")
		usages, _, _ := strings.Cut(after, "]")
		if !found || !strings.Contains(usages, `"`+row[2]+`"`) {
			t.Errorf("lib/specs.js does not have %s for %s", row[1], row[2])
		}
	}
}

// The page hashes messages for each signing algorithm that the server accepts digests for and nothing else.
func TestDigests(t *testing.T) {
	messages, err := os.ReadFile("../key/message.go")
	if err != nil {
		t.Fatal(err)
	}
	_, hashed, _ := strings.Cut(string(newSite(t, Config{}).files["lib/specs.js"].content), "digests = {")
	rows := regexp.MustCompile(`(?m)^(\w+) +(any|no) +\w+ +\w+$`).FindAllStringSubmatch(string(messages), -1)
	if len(rows) < 12 {
		t.Fatalf("only %d rows in the table of messages", len(rows))
	}
	for _, row := range rows {
		if strings.Contains(hashed, row[1]+":") != (row[2] == "no") {
			t.Errorf("lib/specs.js is wrong about the digests of %s", row[1])
		}
	}
}
