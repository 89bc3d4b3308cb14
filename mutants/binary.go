package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A build makes test binaries from the working tree with an overlay.
type build struct {
	overlay
	dir string // of the binaries
}

// A test is a test function, a fuzz target or an example.
type test struct {
	folder string
	name   string
	took   time.Duration
	failed bool   // without a change
	hits   []byte // byte n is 1 if the test reaches place n
}

func (t *test) reaches(number int) bool { return number < len(t.hits) && t.hits[number] == 1 }

func (t *test) String() string { return t.folder + " " + t.name }

// binary returns the file name of the test binary of a folder.
func (b build) binary(folder string) string {
	return filepath.Join(b.dir, strings.ReplaceAll(folder, "/", "_")+".test")
}

// compile makes the test binary of a folder. A folder without tests has no binary.
func (b build) compile(ctx context.Context, folder string) error {
	_, err := output(ctx, "", "go", "test", "-c", "-vet=off", "-overlay", b.file, "-o", b.binary(folder), "./"+folder)
	return err
}

var nameOfTest = regexp.MustCompile(`(?m)^(Test|Fuzz|Example)\w*$`)

// tests returns the tests of a compiled folder.
func (b build) tests(ctx context.Context, folder string) (all []*test, err error) {
	if _, err := os.Stat(b.binary(folder)); os.IsNotExist(err) {
		return nil, nil
	}
	out, err := output(ctx, folder, b.binary(folder), "-test.list", ".")
	for _, name := range nameOfTest.FindAllString(out, -1) {
		all = append(all, &test{folder: folder, name: name})
	}
	return all, err
}
