package main

import (
	"context"
	"encoding/json"
	"errors"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"strings"
)

// A listed package is the part of the output of go list that this command reads.
type listed struct {
	ImportPath, Dir string
	Export          string // file in the build cache with the compiled package
	GoFiles, Deps   []string
}

// list compiles packages and the packages that they import, and describes all of them.
func list(ctx context.Context, words ...string) (all []listed, err error) {
	words = append([]string{"list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,Deps"}, words...)
	out, err := output(ctx, "", "go", words...)
	if err != nil {
		return nil, err
	}
	for decoder := json.NewDecoder(strings.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}

// importsFrom reads the types of imported packages from the build cache.
func importsFrom(fset *token.FileSet, packages []listed) types.Importer {
	exports := map[string]string{}
	for _, p := range packages {
		exports[p.ImportPath] = p.Export
	}
	return importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
}
