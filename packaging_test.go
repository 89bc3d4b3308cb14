package keyhold_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// mostExposure is the level of systemd-analyze(1) below which the unit must be: from 0, a service that
// can do little, to 10.
const mostExposure = 2.0

var exposure = regexp.MustCompile(`Overall exposure level for keyhold.service: ([0-9.]+)`)

func TestUnitIsASandbox(t *testing.T) {
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	out, err := exec.Command(program, "security", "--offline=true", "packaging/systemd/keyhold.service").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := exposure.FindSubmatch(out)
	if found == nil {
		t.Fatalf("no level in\n%s", out)
	}
	if level, err := strconv.ParseFloat(string(found[1]), 64); err != nil || level >= mostExposure {
		t.Errorf("the exposure level of the unit is %s: it must be below %.1f\n%s", found[1], mostExposure, out)
	}
}

// licences are the licences that a library in the program may have, with words that no other of them has.
var licences = []struct{ name, words string }{
	{"Apache-2.0", "Apache License Version 2.0"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"BSD", "Redistributions in binary form must reproduce the above copyright notice"},
	{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose with or without fee is hereby granted"},
}

// licenceOf returns the name of the licence with a text, or "".
func licenceOf(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, l := range licences {
		if strings.Contains(text, l.words) {
			return l.name
		}
	}
	return ""
}

// Each library in the program has a licence of the list.
func TestLicences(t *testing.T) {
	c := exec.Command("go", "list", "-deps", "-f",
		"{{with .Module}}{{if .Version}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", "./cmd/keyhold")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{}
	for line := range bytes.Lines(out) {
		if module, folder, ok := strings.Cut(strings.TrimSpace(string(line)), "\t"); ok {
			folders[module] = folder
		}
	}
	if len(folders) < 30 {
		t.Fatalf("only %d libraries were found", len(folders))
	}
	for module, folder := range folders {
		if text := licenceText(t, folder); licenceOf(text) == "" {
			t.Errorf("%s has no licence of the list: %.200q", module, text)
		}
	}
}

// licenceText returns the text of the licence in a folder.
func licenceText(t *testing.T, folder string) (text string) {
	files, err := fs.Glob(os.DirFS(folder), "[LlC][IiO][CcP][EeY]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(filepath.Join(folder, name))
		if err == nil {
			text += string(b)
		}
	}
	return text
}

func TestLicenceOf(t *testing.T) {
	for text, want := range map[string]string{
		"Apache License\n   Version 2.0, January 2004":                                    "Apache-2.0",
		"GNU AFFERO GENERAL PUBLIC LICENSE Version 3":                                     "",
		"Mozilla Public License Version 2.0":                                              "",
		"Redistributions in binary form must\nreproduce the above copyright notice, this": "BSD",
		"": "",
	} {
		if got := licenceOf(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

var metricName = regexp.MustCompile(`\bkeyhold_[a-z_]+`)

// Alert rules and dashboard ask for metrics that docs/monitoring.md describes.
func TestMetricsOfPackages(t *testing.T) {
	page := readFile(t, "docs/monitoring.md")
	for _, file := range []string{"packaging/monitoring/alerts.yaml", "packaging/monitoring/dashboard.json"} {
		names := metricName.FindAllString(readFile(t, file), -1)
		if len(names) < 10 {
			t.Errorf("%s asks for %d metrics", file, len(names))
		}
		for _, name := range names {
			if !strings.Contains(page, "| `"+strings.TrimSuffix(name, "_bucket")+"` |") {
				t.Errorf("%s asks for the metric %s, which docs/monitoring.md does not describe", file, name)
			}
		}
	}
}
