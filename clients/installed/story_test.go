package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A fake is a program, its owner and the server, with one fault.
type fake struct {
	fault             string
	disabled, expired bool
}

func (f *fake) call(_ context.Context, stdin []byte, args ...string) ([]byte, error) {
	file := filepath.Join(args[2], "sealed")
	switch {
	case f.disabled && f.fault != "opens with a disabled key":
		return nil, refusal{"Traceback:\n  KEY is disabled.\n"}
	case f.expired && f.fault != args[0]+"s with expired material":
		return nil, refusal{"Error:\n  - | KEY\n    | is pending import.\n"}
	case args[0] == "seal":
		return nil, os.WriteFile(file, append([]byte(args[3]+"\n"), stdin...), 0o600)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	kept, opened, _ := strings.Cut(string(text), "\n")
	if kept != room && f.fault != "opens in another context" {
		if f.fault == "is refused for another reason" {
			return nil, refusal{"no such file"}
		}
		return nil, refusal{"InvalidCiphertextException"}
	}
	if f.fault == "opens something else" {
		opened = "the combination is 00-00-00"
	}
	return []byte(opened), nil
}

func (f *fake) importMaterial(context.Context, material, string) (string, error) { return "KEY", nil }
func (f *fake) enable(context.Context, string) error                             { f.disabled = false; return nil }
func (f *fake) disable(context.Context, string) error                            { f.disabled = true; return nil }
func (f *fake) expire(context.Context) error                                     { f.expired = true; return nil }
func (f *fake) importAgain(context.Context, string) error {
	f.expired = f.fault == "does not open again"
	return nil
}

// TestStory runs a program without a fault, and programs with a fault in each step.
func TestStory(t *testing.T) {
	for fault, want := range map[string]string{
		"":                              "",
		"opens something else":          "open, the sealed plaintext: expected",
		"opens in another context":      "another context: expected",
		"is refused for another reason": "another context: expected",
		"opens with a disabled key":     "a disabled key: expected",
		"seals with expired material":   "seal with expired material: expected",
		"opens with expired material":   "expired material: expected",
		"does not open again":           "open, the same material imported again: ",
	} {
		f := &fake{fault: fault}
		s := story{program: f, owner: f, context: wrongContext, folder: filepath.Join(t.TempDir(), "vault")}
		seen, err := s.run(t.Context())
		if want == "" && (err != nil || seen != "- | KEY is pending import.") {
			t.Errorf("a program without fault: %q, %v", seen, err)
		}
		if want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("a program that %s: expected an error with %q, got %v", fault, want, err)
		}
	}
}

// TestContextless checks that a program without encryption contexts skips only that step.
func TestContextless(t *testing.T) {
	f := &fake{fault: "opens in another context"}
	s := story{program: f, owner: f, folder: filepath.Join(t.TempDir(), "vault")}
	if _, err := s.run(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestClientsHaveScripts compares the table of clients with the folders and the document.
func TestClientsHaveScripts(t *testing.T) {
	scripts, err := filepath.Glob("*/install")
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, c := range clients {
		if !strings.Contains(string(document), "\n| "+c.name) {
			t.Errorf("the table in clients/README.md lacks %s", c.name)
		}
		want = append(want, c.folder+"/install")
		if info, err := os.Stat(c.folder + "/client"); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s/client is not a program: %v", c.folder, err)
		}
	}
	slices.Sort(want)
	if !slices.Equal(scripts, want) {
		t.Errorf("the table has %v, and the folders %v", want, scripts)
	}
}

// TestRunBanner checks that only the commands of a banner are run.
func TestRunBanner(t *testing.T) {
	t.Setenv("AWS_PROFILE", "mine")
	banner := "Keyhold\n  export A=1 B='2 3'\n  Java   export C=\"$PWD/x\"\n  rm -rf nothing\n  keyhold clock advance 25h\n  export D=4\n"
	folder := t.TempDir()
	got, err := runBanner(t.Context(), strings.NewReader(banner), folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"A=1", "B=2 3", fmt.Sprintf("C=%s/x", folder)} {
		if !slices.Contains(got, want) {
			t.Errorf("expected %s in %q", want, got)
		}
	}
	if slices.Contains(got, "D=4") || slices.Contains(got, "AWS_PROFILE=mine") {
		t.Errorf("expected no D and no profile in %q", got)
	}
	if _, err := runBanner(t.Context(), strings.NewReader("failed to listen\n"), folder); err == nil {
		t.Error("expected an error without a banner")
	}
}
