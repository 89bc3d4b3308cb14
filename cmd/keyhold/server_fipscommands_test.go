package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/fips"
)

// runnable returns the names of all commands that do something, without the name of the program. A command that only has
// subcommands takes no arguments.
func runnable(c *cobra.Command) (names []string) {
	if c.HasParent() && (!c.HasSubCommands() || strings.Contains(c.Use, " ")) {
		names = append(names, strings.TrimPrefix(c.CommandPath(), "keyhold "))
	}
	for _, sub := range c.Commands() {
		names = append(names, runnable(sub)...)
	}
	return names
}

// docs/fips.md describes for each command what it refuses with --fips, or why it does not have the flag.
func TestCommandsInFIPSMode(t *testing.T) {
	text, err := os.ReadFile("../../docs/fips.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Commands\n")
	section, _, _ = strings.Cut(section, "\n## ")
	with, without, _ := strings.Cut(section, "| commands without the flag |")
	inRows := func(table string) (names []string) {
		for line := range strings.Lines(table) {
			cells := strings.Split(line, "|")
			if len(cells) != 4 || !strings.HasPrefix(cells[1], " `") {
				continue
			}
			for name := range strings.SplitSeq(cells[1], ",") {
				names = append(names, strings.Trim(name, " `"))
			}
		}
		return names
	}
	flagged, others := inRows(with), inRows(without)
	for _, name := range runnable(command()) {
		c, _, err := command().Find(strings.Fields(name))
		if err != nil {
			t.Fatal(err)
		}
		has := c.Flags().Lookup("fips") != nil
		if slices.Contains(flagged, name) != has || slices.Contains(others, name) == has {
			t.Errorf("keyhold %s: the flag --fips is there: %v; docs/fips.md has it with the flag: %v, without: %v", name, has,
				slices.Contains(flagged, name), slices.Contains(others, name))
		}
	}
	for _, name := range slices.Concat(flagged, others) {
		if !slices.Contains(runnable(command()), name) {
			t.Errorf("docs/fips.md names keyhold %s, which is not a command", name)
		}
	}
}

// Commands with --fips refuse to run without the module, before they do anything.
func TestCommandsNeedTheModule(t *testing.T) {
	if fips.CheckModule() == nil {
		t.Skip("the tests run with the module")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	must(t, os.WriteFile("file", []byte("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n"), 0o600))
	for name, flags := range map[string]string{
		"init": "--data d", "serve": "--data d", "import": "alias/a --from file --no-expiry --endpoint-url http://127.0.0.1:1 --region us-east-1",
		"import ":  "alias/a --parameters-out new --endpoint-url http://127.0.0.1:1 --region us-east-1",
		"import  ": "--wrapped file --no-expiry --endpoint-url http://127.0.0.1:1 --region us-east-1",
		"wrap":     "--params file --from file --out new", "recover check": "--share file", "seal make": "key-file:new",
		"recover": "--data d --to key-file:new --share file",
	} {
		c := command()
		c.SetArgs(append(strings.Fields(name+" "+flags), "--fips"))
		c.SetOut(io.Discard)
		c.SetErr(io.Discard)
		if err := c.ExecuteContext(t.Context()); err == nil || err.Error() != fips.ErrNoModule.Error() {
			t.Errorf("keyhold %s %s --fips: %v", name, flags, err)
		}
	}
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) != 1 {
		t.Errorf("files were made: %v", left)
	}
}
