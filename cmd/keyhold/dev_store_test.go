package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/custody"
)

// A dev server waits for the root key file that another one has created and not yet written. It does not wait for ever
// for a file that is something else.
func TestRootKeyThatIsBeingMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	made, err := custody.KeyFile(path).Create(nil)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 30, len(whole) - 3} {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		o := devOptions{place: place{rootOptions: rootOptions{root: custody.KeyFile(path)}}}
		if o.awaitRoot(50 * time.Millisecond); o.made != nil {
			t.Errorf("a file of %d bytes is a root key", size)
		}
		time.AfterFunc(50*time.Millisecond, func() { os.WriteFile(path, whole, 0o600) })
		if o.awaitRoot(time.Minute); o.made == nil || o.made.ID() != made.ID() {
			t.Errorf("after %d bytes: %v", size, o.made)
		}
	}
}
