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

// What the clients seal. The rooms are of the same length, so that lengths in a file stay true.
const (
	room, otherRoom = "archive", "kitchen"
	plaintext       = "the combination is 12-34-56"
)

// What a user must see of a refusal: the texts that the API gives DisabledException and
// KMSInvalidStateException. InvalidCiphertextException has no text, so its name must be seen.
const (
	wrongContext    = "InvalidCiphertextException"
	disabledKey     = "is disabled."
	expiredMaterial = "is pending import."
)

// A program has the commands seal and open. Its error is a refusal if it ran and failed.
type program interface {
	call(ctx context.Context, stdin []byte, args ...string) ([]byte, error)
}

// A refusal is all that a program that failed showed its user.
type refusal struct{ text string }

func (r refusal) Error() string { return r.text }

// An owner imported the material of a key, and can do the rest of what a key goes through.
type owner interface {
	importMaterial(ctx context.Context, m material, file string) (key string, err error)
	importAgain(ctx context.Context, file string) error
	disable(ctx context.Context, key string) error
	enable(ctx context.Context, key string) error
	expire(ctx context.Context) error
}

// A story is what a program must show with a key of its own.
type story struct {
	program  program
	owner    owner
	material material
	context  string // what its user sees of a wrong encryption context; empty if it sends none
	folder   string // for the files of the program; its siblings are for changed copies
	key      string
}

// tell has the program do all that is expected of it. It returns what its user sees when the
// material has expired.
func (s *story) tell(ctx context.Context) (seen string, err error) {
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return "", err
	}
	if s.key, err = s.owner.importMaterial(ctx, s.material, s.original()); err != nil {
		return "", err
	}
	for _, step := range []func(context.Context) error{s.roundTrip, s.anotherContext, s.disabled} {
		if err := step(ctx); err != nil {
			return "", err
		}
	}
	if seen, err = s.expired(ctx); err != nil {
		return "", err
	}
	return seen, s.importedAgain(ctx)
}

// original is the file in which the owner keeps the material.
func (s *story) original() string { return filepath.Join(s.folder, "material") }

func (s *story) roundTrip(ctx context.Context) error {
	if _, err := s.program.call(ctx, []byte(plaintext), "seal", s.key, s.folder, room); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return s.opens(ctx, "the sealed plaintext")
}

// anotherContext changes the context in the files of the program and in the command, because some
// programs keep it and others ask for it.
func (s *story) anotherContext(ctx context.Context) error {
	if s.context == "" {
		return nil
	}
	changed, err := s.copied("changed")
	if err != nil {
		return err
	}
	_, err = s.refused(ctx, "another context", s.context, "open", s.key, changed, otherRoom)
	return err
}

func (s *story) disabled(ctx context.Context) error {
	if err := s.owner.disable(ctx, s.key); err != nil {
		return err
	}
	if _, err := s.refused(ctx, "a disabled key", disabledKey, "open", s.key, s.folder, room); err != nil {
		return err
	}
	if err := s.owner.enable(ctx, s.key); err != nil {
		return err
	}
	return s.opens(ctx, "the key enabled again")
}

func (s *story) expired(ctx context.Context) (seen string, err error) {
	if err := s.owner.expire(ctx); err != nil {
		return "", err
	}
	other, err := s.copied("other")
	if err != nil {
		return "", err
	}
	if _, err := s.refused(ctx, "seal with expired material", expiredMaterial, "seal", s.key, other, otherRoom); err != nil {
		return "", err
	}
	return s.refused(ctx, "expired material", expiredMaterial, "open", s.key, s.folder, room)
}

func (s *story) importedAgain(ctx context.Context) error {
	if err := s.owner.importAgain(ctx, s.original()); err != nil {
		return err
	}
	return s.opens(ctx, "the same material imported again")
}

func (s *story) opens(ctx context.Context, what string) error {
	opened, err := s.program.call(ctx, nil, "open", s.key, s.folder, room)
	if err != nil {
		return fmt.Errorf("open, %s: %w", what, err)
	}
	if string(opened) != plaintext {
		return fmt.Errorf("open, %s: expected %q, got %q", what, plaintext, opened)
	}
	return nil
}

// wrapped is where SOPS breaks the lines of an error.
var wrapped = regexp.MustCompile(`\n *\| `)

// refused demands that the program fails and shows its user the text. It returns the line that
// has the text.
func (s *story) refused(ctx context.Context, what, text string, args ...string) (string, error) {
	out, err := s.program.call(ctx, []byte(plaintext), args...)
	if err == nil {
		return "", fmt.Errorf("%s: expected %q, but it succeeded with %q", what, text, out)
	}
	var shown refusal
	if !errors.As(err, &shown) {
		return "", err
	}
	for line := range strings.Lines(wrapped.ReplaceAllString(shown.text, " ")) {
		if strings.Contains(line, text) {
			return strings.TrimSpace(line), nil
		}
	}
	return "", fmt.Errorf("%s: expected %q, got:\n%s", what, text, shown.text)
}

// copied copies the files of the program into a sibling of their folder, with the name of the
// other room in them.
func (s *story) copied(name string) (folder string, err error) {
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
