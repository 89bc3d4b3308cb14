package keyhold_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	cellBreak   = regexp.MustCompile(` \| `)
	knownSource = regexp.MustCompile(`^(API, [A-Z]\w+|STS API, [A-Z]|guide, [A-Z]|IAM guide, [A-Z]|[Rr]ecorded|no source found)`)
	citedAPI    = regexp.MustCompile(`(?:^|; |and )API, (\w+)`)
	servedRow   = regexp.MustCompile(`(?m)^\| (\w+) \|`)
	listedName  = regexp.MustCompile(`(?m)^[A-Z]\w+$`)
)

// Every row of the tables of docs/divergences.md ends with a source, or says that no source was found. The pages of the
// API reference that it cites exist.
func TestDivergencesHaveSources(t *testing.T) {
	apiNames := readFiles(t, "internal/api", "internal/key/errors.go")
	rows := tableRows(readFile(t, "docs/divergences.md"))
	if len(rows) < 100 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		if fault := sourceFault(row, apiNames); fault != "" {
			t.Errorf("%s: %s", fault, row)
		}
	}
	for row, want := range map[string]string{
		"| a | b |":                             "it has 2 cells",
		"| a | b |  |":                          "it has no source",
		"| a | b | everybody knows |":           "it has no source",
		"| a | b | API, NoSuchOperation |":      "the API has no NoSuchOperation",
		"| a | b | guide, Key states |":         "",
		"| a | b | API, Encrypt; API, Nobody |": "the API has no Nobody",
		"| a | b | no source found |":           "",
	} {
		if got := sourceFault(row, apiNames); got != want {
			t.Errorf("%s: %q, not %q", row, got, want)
		}
	}
}

// sourceFault describes the fault in the source of a row, or returns nothing.
func sourceFault(row, apiNames string) string {
	cells := cellBreak.Split(strings.TrimSuffix(strings.TrimPrefix(row, "| "), " |"), -1)
	if len(cells) != 3 {
		return "it has " + string(rune('0'+len(cells))) + " cells"
	}
	if !knownSource.MatchString(strings.TrimSpace(cells[2])) {
		return "it has no source"
	}
	for _, m := range citedAPI.FindAllStringSubmatch(cells[2], -1) {
		if !regexp.MustCompile(`\b` + m[1] + `\b`).MatchString(apiNames) {
			return "the API has no " + m[1]
		}
	}
	return ""
}

// tableRows returns the rows of all tables of a document, without their heads.
func tableRows(text string) (rows []string) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		head := i+1 < len(lines) && strings.HasPrefix(lines[i+1], "|---")
		if strings.HasPrefix(line, "| ") && !head {
			rows = append(rows, line)
		}
	}
	return rows
}

// docs/divergences.md lists as refused all operations of the API that docs/api.md does not list.
func TestRefusedOperationsAreNotServed(t *testing.T) {
	var served, want []string
	table, _, _ := strings.Cut(readFile(t, "docs/api.md"), "\n\nThis is the grid")
	for _, m := range servedRow.FindAllStringSubmatch(table, -1) {
		served = append(served, m[1])
	}
	for _, name := range listedName.FindAllString(readFile(t, "internal/api/operations.go"), -1) {
		if !slices.Contains(served, name) {
			want = append(want, name)
		}
	}
	row := "| the operations that change custom key stores: " + strings.Join(want, ", ") + " | UnsupportedOperationException |"
	if len(want) != 5 || !strings.Contains(readFile(t, "docs/divergences.md"), row) {
		t.Errorf("docs/divergences.md has no row %s", row)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// readFiles returns the text of a folder's files and of a file.
func readFiles(t *testing.T, folder, file string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	text := readFile(t, file)
	for _, e := range entries {
		if !e.IsDir() && !strings.HasSuffix(e.Name(), "_test.go") {
			text += readFile(t, folder+"/"+e.Name())
		}
	}
	return text
}
