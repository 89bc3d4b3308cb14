package policy_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// A page holds the cases from one page of the documentation: a file of testdata/cases.
type page struct {
	name      string              // name of the file
	documents map[string]document // by kind and name, such as "key:Default"
	grants    map[string]key.Grant
	cases     []decisionCase
	refused   []refusedDocument
}

// A document is the text of a policy.
type document struct {
	name string
	is   policy.Type
	text string
}

// A refusedDocument has an error in a line, counted from 1.
type refusedDocument struct {
	document
	wrongAt int
}

// documentTypes are the types of documents. The kind "iam" is for identity policies, boundaries and session
// policies.
var documentTypes = map[string]policy.Type{"key": policy.KeyPolicy, "trust": policy.TrustPolicy, "iam": policy.IdentityPolicy}

// readPages reads all files of a table, which is a folder in testdata.
func readPages(t *testing.T, table string) (pages []*page) {
	t.Helper()
	files, err := filepath.Glob("testdata/" + table + "/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		p, err := readPage(file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		pages = append(pages, p)
	}
	return pages
}

func readPage(file string) (*page, error) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		return nil, err
	}
	p := &page{name: filepath.Base(file), documents: map[string]document{}, grants: map[string]key.Grant{}}
	if title, _, _ := strings.Cut(string(archive.Comment), "\n"); title == "" {
		return nil, fmt.Errorf("the name of the page is missing")
	}
	line := 1 + strings.Count(string(archive.Comment), "\n")
	for _, section := range archive.Files {
		line++ // line with the section's name
		if err := p.section(section.Name, string(section.Data), line); err != nil {
			return nil, fmt.Errorf("%s: %w", section.Name, err)
		}
		line += strings.Count(string(section.Data), "\n")
	}
	return p, nil
}

// section reads a section of the page that starts in the given line.
func (p *page) section(name, text string, line int) error {
	kind, rest, _ := strings.Cut(name, ":")
	kind, refused := strings.CutPrefix(kind, "refused ")
	is, known := documentTypes[kind]
	switch {
	case name == "cases":
		return p.readCases(text, line)
	case kind == "grant":
		g, err := readGrant(text)
		p.grants[rest] = g
		return err
	case !known:
		return fmt.Errorf("no kind of document")
	case refused:
		return p.refuse(is, strings.TrimSpace(rest), text)
	}
	p.documents[name] = document{name: name, is: is, text: text}
	return nil
}

// refuse reads a document whose faulty line begins with ">".
func (p *page) refuse(is policy.Type, why, text string) error {
	before, after, marked := strings.Cut("\n"+text, "\n>")
	if !marked {
		return fmt.Errorf("no line is marked with >")
	}
	d := document{name: p.name + "/" + why, is: is, text: (before + "\n " + after)[1:]}
	p.refused = append(p.refused, refusedDocument{d, strings.Count(before, "\n") + 1})
	return nil
}

// readGrant parses a grant on a key of account 111122223333, unless it has a line with another account.
func readGrant(text string) (key.Grant, error) {
	g := key.Grant{ID: strings.Repeat("a", 64), Account: ours, Region: region, KeyID: keyID, IssuingAccount: ours}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case f[0] == "operations":
			g.Operations = f[1:]
		case f[0] == "equals":
			g.Constraints.ContextEquals = pairs(f[1:])
		case f[0] == "subset":
			g.Constraints.ContextSubset = pairs(f[1:])
		case f[0] == "grantee" && len(f) == 2:
			g.Grantee = key.Principal(f[1])
		case f[0] == "source" && len(f) == 2:
			g.Constraints.SourceARN = f[1]
		case f[0] == "account" && len(f) == 2:
			g.Account = f[1]
		default:
			return g, fmt.Errorf("no line of a grant: %s", line)
		}
	}
	return g, nil
}

// pairs parses the pairs of an encryption context.
func pairs(words []string) map[string]string {
	context := map[string]string{}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		context[name] = value
	}
	return context
}
