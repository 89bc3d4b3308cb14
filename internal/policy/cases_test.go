package policy_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/policy/naive"
)

// The minimum numbers of decisions in the tables.
const (
	leastCases    = 1000
	leastPractice = 150
)

// TestDocumentedCases compares the engine and the naive evaluator with decisions from the public documentation.
// testdata/cases/README.md describes the format.
func TestDocumentedCases(t *testing.T) { checkCases(t, "cases", leastCases) }

// TestPracticedCases does the same with realistic policies.
func TestPracticedCases(t *testing.T) { checkCases(t, "practice", leastPractice) }

// Each condition key of KMS occurs in the policies of the documented cases.
func TestKeysOfKMSHaveCases(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	used := regexp.MustCompile(`"kms:\w+[:"]`).FindAllString(all.String(), -1)
	for _, k := range policy.KnownKeys() {
		if quoted := `"` + strings.TrimSuffix(k.Name, ":"); strings.HasPrefix(k.Name, "kms:") &&
			!slices.Contains(used, quoted+`"`) && !slices.Contains(used, quoted+`:`) {
			t.Errorf("no case has %s: add a section to testdata/cases/kms-condition-keys.txtar", k.Name)
		}
	}
}

// checkCases compares both evaluators with the cases of a table.
func checkCases(t *testing.T, table string, least int) {
	t.Helper()
	pages, cases := readPages(t, table), 0
	for _, p := range pages {
		for _, c := range p.cases {
			t.Run(c.name, func(t *testing.T) {
				if got := decide(t, c); got != c.want {
					t.Errorf("the engine: %s, want %s: %s", got, c.want, c.text)
				}
				if got := decideNaively(c); got != c.want {
					t.Errorf("the naive evaluator: %s, want %s: %s", got, c.want, c.text)
				}
			})
		}
		cases += len(p.cases)
	}
	t.Logf("%d cases from %d pages", cases, len(pages))
	if cases < least {
		t.Errorf("%d cases, want at least %d", cases, least)
	}
}

// decide evaluates a case with the engine and returns the outcome in the words of the table.
func decide(t *testing.T, c decisionCase) string {
	d := policy.Documents{Resource: compileDocument(t, c.resource), Boundary: compileDocument(t, c.boundary)}
	for _, text := range c.identity {
		d.Identity = append(d.Identity, compileDocument(t, text))
	}
	for _, text := range c.session {
		d.Session = append(d.Session, compileDocument(t, text))
	}
	decision := policy.Decide(c.request, d, c.grants)
	return outcome(decision.Allowed, decision.Explicit)
}

// decideNaively evaluates a case with the naive evaluator.
func decideNaively(c decisionCase) string {
	t := naive.Texts{Resource: c.resource.text, ResourceIs: "key", Boundary: c.boundary.text}
	if c.resource.is == policy.TrustPolicy {
		t.ResourceIs = "trust"
	}
	for _, d := range c.identity {
		t.Identity = append(t.Identity, d.text)
	}
	for _, d := range c.session {
		t.Session = append(t.Session, d.text)
	}
	return outcome(naive.Decide(c.request, t, c.grants))
}

func outcome(allowed, explicit bool) string {
	switch {
	case allowed && explicit:
		return "both allowed and explicitly denied"
	case allowed:
		return allow
	case explicit:
		return explicitDeny
	}
	return deny
}

// compileDocument returns a document of a case, compiled by the engine. The zero document has no policy.
func compileDocument(t *testing.T, d document) policy.Document {
	t.Helper()
	if d.text == "" {
		return policy.Document{}
	}
	p, err := policy.Parse(d.text, d.is)
	if err != nil {
		t.Fatalf("%s: %v", d.name, err)
	}
	return policy.Document{Name: d.name, Policy: p}
}

// TestRefusedDocuments parses documents that have an error in one line.
func TestRefusedDocuments(t *testing.T) {
	for _, p := range readPages(t, "cases") {
		for _, d := range p.refused {
			t.Run(d.name, func(t *testing.T) {
				_, err := policy.Parse(d.text, d.is)
				var wrong *policy.SyntaxError
				if !errors.As(err, &wrong) || wrong.Line != d.wrongAt {
					t.Errorf("%v, want it to be wrong at line %d", err, d.wrongAt)
				}
			})
		}
	}
}
