package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An overlay names a file for the -overlay flag of the go command, which replaces files of the working tree.
type overlay struct {
	file  string
	rooms map[string]bool // import paths of the packages with replaced files
}

// writeOverlay writes the texts, and the overlay that has them in place of files, into a folder.
func writeOverlay(dir string, texts map[*source]string) (overlay, error) {
	o := overlay{filepath.Join(dir, "overlay.json"), map[string]bool{}}
	replace := map[string]string{}
	for f, text := range texts {
		original, err := filepath.Abs(f.name)
		if err != nil {
			return o, err
		}
		changed := filepath.Join(dir, strings.ReplaceAll(filepath.ToSlash(f.name), "/", "_"))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return o, err
		}
		replace[original] = changed
		o.rooms[f.room.path] = true
	}
	content, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return o, err
	}
	return o, os.WriteFile(o.file, content, 0o600)
}

// environment makes commands of tests build what the tests test: some tests build a program.
func (o overlay) environment() string {
	return strings.TrimSpace("GOFLAGS=" + os.Getenv("GOFLAGS") + " -overlay=" + o.file)
}

// compiled returns the files in the build cache with packages that the overlay changes, and with packages that import
// them, in the test binaries of folders.
func (o overlay) compiled(ctx context.Context, folders []string) (files []string, err error) {
	words := []string{"-test", "-overlay", o.file}
	for _, folder := range folders {
		words = append(words, "./"+folder)
	}
	packages, err := list(ctx, words...)
	for _, p := range packages {
		if p.Export != "" && slices.ContainsFunc(append(p.Deps, p.ImportPath), o.changes) {
			files = append(files, p.Export)
		}
	}
	return files, err
}

// changes reports whether the overlay changes a package. The path of a package that was compiled for a test has the
// name of the test after a space.
func (o overlay) changes(path string) bool {
	path, _, _ = strings.Cut(path, " ")
	return o.rooms[path]
}

// forget removes the compiled packages from the build cache, because nothing will use them again.
func (o overlay) forget(ctx context.Context, folders []string) error {
	files, err := o.compiled(ctx, folders)
	for _, file := range files {
		if e := os.Remove(file); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
