package console_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/byok"
)

// The page and the server have the same table of wrappings and the same sizes of material.
func TestMaterialTables(t *testing.T) {
	table := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "wrappings = `")
		found, _, _ := strings.Cut(rest, "`")
		return found
	}
	if page, server := table("static/material/specs.js"), table("../key/wrappings.go"); page != server || server == "" {
		t.Errorf("the table of wrappings in specs.js:\n%s\nthe table of the server:\n%s", page, server)
	}
	text, err := os.ReadFile("static/material/specs.js")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^  (\w+): \{ usage: "\w+", (?:least: (\d+), most: (\d+))?`).FindAllStringSubmatch(string(text), -1)
	for _, row := range rows {
		least, most, err := byok.MaterialSizes(row[1])
		switch {
		case byok.HasPrivateKey(row[1]) && row[2] == "":
		case err != nil || row[2] != strconv.Itoa(least) || row[3] != strconv.Itoa(most):
			t.Errorf("%s: %s to %s bytes in the page; %d to %d, %v on the server", row[1], row[2], row[3], least, most, err)
		}
	}
	if len(rows) != 12 {
		t.Errorf("specs.js has %d rows, not 12", len(rows))
	}
}
