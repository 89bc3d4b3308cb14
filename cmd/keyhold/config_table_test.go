package main

import (
	"os"
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"github.com/keyhold/keyhold/internal/settings"
)

// TestSettingRows holds the table of settings to the flags of keyhold serve: each flag has a row.
func TestSettingRows(t *testing.T) {
	flags := serveCommand().Flags()
	rows := settingRows(flags)
	keys := map[string]bool{}
	for _, r := range rows {
		if r.setting() && keys[r.key] {
			t.Errorf("two flags have the key %s", r.key)
		}
		keys[r.key] = true
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && !slices.ContainsFunc(rows, func(r settingRow) bool { return r.flag == f.Name }) {
			t.Errorf("--%s has no line in the table of settings (config_table.go)", f.Name)
		}
	})
}

// TestExampleFile checks that the example has each setting, as keyhold config example prints it.
func TestExampleFile(t *testing.T) {
	const name = "../../docs/keyhold.example.toml"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != exampleFile(serveCommand().Flags(), nil).b.String() {
		t.Errorf("%s differs from the settings: run go run ./cmd/keyhold config example >docs/keyhold.example.toml", name)
	}
}

// TestExamplesAreValid sets each setting to its example, in a file of its own.
func TestExamplesAreValid(t *testing.T) {
	flags := serveCommand().Flags()
	var table []settings.Setting
	for _, r := range settingRows(flags) {
		table = append(table, settings.Setting{Key: r.key, Kind: r.kind})
	}
	for _, r := range settingRows(flags) {
		if !r.setting() {
			continue
		}
		text := exampleFile(flags, map[string]string{r.flag: r.example}).b.String()
		file, faults := settings.Parse("keyhold.toml", []byte(text), table)
		if len(faults) > 0 || len(file.Values) != 1 {
			t.Errorf("%s: %v, %v", r.key, file.Values, faults)
			continue
		}
		if err := setFlag(serveCommand().Flags().Lookup(r.flag), file.Values[r.key].Set); err != nil {
			t.Errorf("%s: %v", r.key, err)
		}
	}
}
