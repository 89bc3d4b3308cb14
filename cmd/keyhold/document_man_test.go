package main

import (
	"cmp"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// TestManPages makes the manual pages of all commands, in the folder KEYHOLD_MAN if there is one: so the
// packages get them, and the program does not need the code that writes them.
func TestManPages(t *testing.T) {
	folder := cmp.Or(os.Getenv("KEYHOLD_MAN"), t.TempDir())
	root := command()
	root.InitDefaultCompletionCmd()
	root.DisableAutoGenTag = true
	made := manDate(t)
	header := &doc.GenManHeader{Section: "1", Source: "Keyhold", Manual: "Keyhold", Date: &made}
	if err := doc.GenManTree(root, header, folder); err != nil {
		t.Fatal(err)
	}
	expectManPages(t, folder, root)
}

// manDate returns the date of the pages, which is the same for each build of a commit.
func manDate(t *testing.T) time.Time {
	seconds, err := strconv.ParseInt(cmp.Or(os.Getenv("SOURCE_DATE_EPOCH"), "0"), 10, 64)
	if err != nil {
		t.Fatal("SOURCE_DATE_EPOCH:", err)
	}
	return time.Unix(seconds, 0).UTC()
}

// expectManPages expects a page for a command and each of its subcommands.
func expectManPages(t *testing.T, folder string, c *cobra.Command) {
	name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
	page, err := os.ReadFile(filepath.Join(folder, name))
	if c.IsAvailableCommand() && (err != nil || !strings.Contains(string(page), ".SH SYNOPSIS")) {
		t.Errorf("%s has no synopsis: %v", name, err)
	}
	for _, sub := range c.Commands() {
		expectManPages(t, folder, sub)
	}
}
