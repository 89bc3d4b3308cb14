package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// The clients seal this plaintext. The names of the rooms have the same length, so that lengths in a
// file stay correct.
const (
	room, otherRoom = "archive", "kitchen"
	plaintext       = "the combination is 12-34-56"
)

// A user must see these texts after a refusal. They are the texts of DisabledException and
// KMSInvalidStateException. InvalidCiphertextException has no text, so its name must be visible.
const (
	wrongContext    = "InvalidCiphertextException"
	disabledKey     = "is disabled."
	expiredMaterial = "is pending import."
)

// A program has the commands seal and open. Its error is a refusal if a command ran and failed.
type program interface {
	call(ctx context.Context, stdin []byte, args ...string) ([]byte, error)
}

// A refusal is all output that the user of a failed command sees.
type refusal struct{ text string }

func (r refusal) Error() string { return r.text }

// An owner imports the material of a key, and changes the key.
type owner interface {
	importMaterial(ctx context.Context, m material, file string) (key string, err error)
	importAgain(ctx context.Context, file string) error
	disable(ctx context.Context, key string) error
	enable(ctx context.Context, key string) error
	expire(ctx context.Context) error
}

// A story is a run of a program with a key of its own.
type story struct {
	program  program
	owner    owner
	material material
	context  string // what the user sees after a wrong encryption context; empty if the program sends none
	folder   string // for the files of the program; changed copies are next to it
	key      string
}

// run runs all steps. It returns the message that the user sees when the material has expired.
func (s *story) run(ctx context.Context) (seen string, err error) {
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return "", err
	}
	if s.key, err = s.owner.importMaterial(ctx, s.material, s.original()); err != nil {
		return "", err
	}
	for _, step := range []func(context.Context) error{s.roundTrip, s.openInAnotherContext, s.openWithDisabledKey} {
		if err := step(ctx); err != nil {
			return "", err
		}
	}
	if seen, err = s.useExpired(ctx); err != nil {
		return "", err
	}
	return seen, s.importAgain(ctx)
}

// original returns the path of the owner's copy of the material.
func (s *story) original() string { return filepath.Join(s.folder, "material") }

func (s *story) roundTrip(ctx context.Context) error {
	if _, err := s.program.call(ctx, []byte(plaintext), "seal", s.key, s.folder, room); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return s.checkOpen(ctx, "the sealed plaintext")
}

// openInAnotherContext changes the context in the files of the program and in the command, because
// some programs keep the context and others ask for it.
func (s *story) openInAnotherContext(ctx context.Context) error {
	if s.context == "" {
		return nil
	}
	changed, err := s.copyChanged("changed")
	if err != nil {
		return err
	}
	_, err = s.expectRefusal(ctx, "another context", s.context, "open", s.key, changed, otherRoom)
	return err
}

func (s *story) openWithDisabledKey(ctx context.Context) error {
	if err := s.owner.disable(ctx, s.key); err != nil {
		return err
	}
	if _, err := s.expectRefusal(ctx, "a disabled key", disabledKey, "open", s.key, s.folder, room); err != nil {
		return err
	}
	if err := s.owner.enable(ctx, s.key); err != nil {
		return err
	}
	return s.checkOpen(ctx, "the key enabled again")
}

func (s *story) useExpired(ctx context.Context) (seen string, err error) {
	if err := s.owner.expire(ctx); err != nil {
		return "", err
	}
	other, err := s.copyChanged("other")
	if err != nil {
		return "", err
	}
	what := "seal with expired material"
	if _, err := s.expectRefusal(ctx, what, expiredMaterial, "seal", s.key, other, otherRoom); err != nil {
		return "", err
	}
	return s.expectRefusal(ctx, "expired material", expiredMaterial, "open", s.key, s.folder, room)
}

func (s *story) importAgain(ctx context.Context) error {
	if err := s.owner.importAgain(ctx, s.original()); err != nil {
		return err
	}
	return s.checkOpen(ctx, "the same material imported again")
}

func (s *story) checkOpen(ctx context.Context, what string) error {
	opened, err := s.program.call(ctx, nil, "open", s.key, s.folder, room)
	if err != nil {
		return fmt.Errorf("open, %s: %w", what, err)
	}
	if string(opened) != plaintext {
		return fmt.Errorf("open, %s: expected %q, got %q", what, plaintext, opened)
	}
	return nil
}

// lineBreak matches a line break that SOPS puts into an error.
var lineBreak = regexp.MustCompile(`\n *\| `)

// expectRefusal runs a command that must fail and show the text. It returns the line with the text.
func (s *story) expectRefusal(ctx context.Context, what, text string, args ...string) (string, error) {
	out, err := s.program.call(ctx, []byte(plaintext), args...)
	if err == nil {
		return "", fmt.Errorf("%s: expected %q, but it succeeded with %q", what, text, out)
	}
	var shown refusal
	if !errors.As(err, &shown) {
		return "", err
	}
	for line := range strings.Lines(lineBreak.ReplaceAllString(shown.text, " ")) {
		if strings.Contains(line, text) {
			return strings.TrimSpace(line), nil
		}
	}
	return "", fmt.Errorf("%s: expected %q, got:\n%s", what, text, shown.text)
}

// copyChanged copies the files of the program into a folder next to it, and replaces the room by the
// other room in them.
func (s *story) copyChanged(name string) (folder string, err error) {
	folder = filepath.Join(filepath.Dir(s.folder), name)
	files, err := os.ReadDir(s.folder)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(s.folder, file.Name()))
		if err != nil {
			return "", err
		}
		text = bytes.ReplaceAll(text, []byte(room), []byte(otherRoom))
		if err := os.WriteFile(filepath.Join(folder, file.Name()), text, 0o600); err != nil {
			return "", err
		}
	}
	return folder, nil
}
