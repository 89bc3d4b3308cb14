package main

import (
	"bytes"
	"io"
	"path/filepath"
	"testing"

	"github.com/keyhold/keyhold/internal/custody"
)

// The folders of older programs, whose root keys are in one file, move to another custody. They give the same answers
// then, and the former file opens them no more.
func TestGoldenFoldersMoveToAnotherCustody(t *testing.T) {
	eachGolden(t, func(t *testing.T, f *goldenFolder) {
		to := custody.KeyFile(filepath.Join(t.TempDir(), "new.key"))
		_, err := to.Create(nil)
		f.must(err)
		o := migrateOptions{to: to.String(), remove: true}
		o.data, o.root = f.data, custody.KeyFile(f.rootKey)
		f.must(o.offline(t.Context(), printer{io.Discard}))
		former := *f
		former.rootKey, f.rootKey = f.rootKey, to.Argument
		f.checkVerify()
		f.checkAnswers()
		if d, s, err := former.open(new(bytes.Buffer), nil); err == nil {
			t.Error("the former custody opens the folder")
			f.must(d.Close(s))
		} else {
			f.must(d.Close(s))
		}
	})
}
