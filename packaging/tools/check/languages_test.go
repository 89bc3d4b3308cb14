package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The wheel works in an empty environment, with the fixture of pytest and boto3.
func TestWheel(t *testing.T) {
	folder := t.TempDir()
	copyFile(t, "testdata/test_keyhold.py", filepath.Join(folder, "test_keyhold.py"))
	venv := filepath.Join(folder, "venv")
	run(t, "python3", "-m", "venv", venv)
	python := filepath.Join(venv, "bin/python")
	run(t, python, "-m", "pip", "install", "--quiet", artefact(t, "*.whl"), "boto3", "pytest")
	t.Log(run(t, python, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder))
	if out := run(t, filepath.Join(venv, "bin/keyhold"), "version"); !strings.HasPrefix(out, "keyhold ") {
		t.Error(out)
	}
}

// The npm package works in an empty folder, with node:test and the AWS SDK, and has no dependencies.
func TestNpm(t *testing.T) {
	folder := t.TempDir()
	copyFile(t, "testdata/keyhold.test.js", filepath.Join(folder, "keyhold.test.js"))
	if err := os.WriteFile(filepath.Join(folder, "package.json"), []byte(`{"type": "module"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	archive := artefact(t, "keyhold-[0-9]*.tgz") // and not that of the chart
	flags := []string{"install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, archive}
	run(t, "npm", flags...)
	if found, _ := filepath.Glob(filepath.Join(folder, "node_modules/[a-z@]*")); len(found) != 1 {
		t.Errorf("the package installs %v", found)
	}
	run(t, "npm", append(flags, "@aws-sdk/client-kms")...)
	t.Log(run(t, "node", "--test", filepath.Join(folder, "keyhold.test.js")))
	if out := run(t, filepath.Join(folder, "node_modules/.bin/keyhold"), "version"); !strings.HasPrefix(out, "keyhold ") {
		t.Error(out)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
