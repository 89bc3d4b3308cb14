package local

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
)

// mapped returns the size of the map of a file in this process.
func mapped(t *testing.T, path string) (size int64) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		if _, err := fmt.Sscanf(line, "%x-%x", &from, &to); err == nil && strings.HasSuffix(strings.TrimSpace(line), path) {
			size += to - from
		}
	}
	return size
}

// The file can grow far while a View runs, because the map is wider than the file.
func TestMapIsWide(t *testing.T) {
	db := open(t, t.TempDir())
	if got := mapped(t, db.path); got < wideMap {
		t.Errorf("the map has %d bytes", got)
	}
}

// A process with little address space gets a narrow map.
func TestMapIsNarrow(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestOpenWithLittleAddressSpace$", "-test.v")
	cmd.Env = append(os.Environ(), helperFolder+"="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "the map has 1073741824 bytes") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestOpenWithLittleAddressSpace(t *testing.T) {
	dir := os.Getenv(helperFolder)
	if dir == "" {
		t.Skip("a part of TestMapIsNarrow")
	}
	const addressSpace = 9 // RLIMIT_AS of getrlimit(2)
	if err := syscall.Setrlimit(addressSpace, &syscall.Rlimit{Cur: 16 << 30, Max: 16 << 30}); err != nil {
		t.Fatal(err)
	}
	db := open(t, dir)
	t.Logf("the map has %d bytes", mapped(t, db.path))
	mustPut(t, db, "a", "1")
	want(t, db, "a", "1", 1, 1)
}

// While a View runs, changes take new space, which later changes use again.
func TestRoom(t *testing.T) {
	db := open(t, t.TempDir())
	large := strings.Repeat("x", 60<<10)
	overwrite := func() {
		for range 50 {
			mustPut(t, db, "a", large)
		}
	}
	used := func() int64 {
		t.Helper()
		used, free, err := db.Room()
		if err != nil || free <= 0 {
			t.Fatal(free, err)
		}
		return used
	}
	overwrite()
	begun := used()
	overwrite()
	if got := used(); got > begun+1<<20 {
		t.Errorf("%d bytes without a View, and %d after more changes", begun, got)
	}
	begun = used()
	err := db.View(t.Context(), func(store.Reader) error {
		overwrite()
		return nil
	})
	grown := used()
	if err != nil || grown < begun+50*60<<10 {
		t.Errorf("%d bytes before a View, and %d after changes: %v", begun, grown, err)
	}
	overwrite()
	if got := used(); got > grown+1<<20 {
		t.Errorf("%d bytes after a View, and %d after more changes", grown, got)
	}
}
