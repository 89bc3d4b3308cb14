package audit

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// A few bytes of a hostile segment expand to many. A reader stops at the size that the name states, or at what lines of
// a log can have in a file of this size.
func TestSegmentThatExpands(t *testing.T) {
	const plain = 64 << 20
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := z.EncodeAll(make([]byte, plain), nil)
	for what, test := range map[string]struct{ stated, most int64 }{
		"a small size": {1000, 1000}, "no bytes": {0, 0}, "fewer than none": {-5, 0},
		"its true size": {plain, int64(len(bomb)) * mostExpansion}, "a huge size": {1 << 45, int64(len(bomb)) * mostExpansion},
	} {
		path, _ := logOf(t, "")
		s := Segment{End: 1, EndByte: test.stated, Closed: testDay, Compressed: true}
		if err := os.WriteFile(filepath.Join(FolderOf(path), s.FileName()), bomb, 0o600); err != nil {
			t.Fatal(err)
		}
		l := layout{folder: FolderOf(path), closed: []Segment{s}}
		r, err := l.open(0)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, r); !errors.Is(err, errExpands) || n != test.most {
			t.Errorf("%s: %d bytes of %d, %v", what, n, test.most, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if test.stated < 0 {
			continue // a name cannot state this
		}
		var last error
		for _, err := range (&Folder{path: path, size: func() int64 { return 1 }}).Lines(t.Context(), 0) {
			last = err
		}
		if !errors.Is(last, errExpands) {
			t.Errorf("%s: the lines end with %v", what, last)
		}
	}
}
