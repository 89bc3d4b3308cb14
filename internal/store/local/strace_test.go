//go:build linux

package local

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
)

const helperFolder = "KEYHOLD_TEST_FOLDER"

// strace runs a test of this file in another process, with dir as its folder, and returns its output and system
// calls.
func strace(t *testing.T, helper, dir string, args ...string) (out, calls string) {
	t.Helper()
	if err := exec.Command("strace", "-o", os.DevNull, "true").Run(); err != nil {
		t.Skipf("strace does not work here: %v", err)
	}
	log := filepath.Join(t.TempDir(), "log")
	args = append(append([]string{"-f", "-y", "-s", "0", "-o", log}, args...), os.Args[0], "-test.run=^"+helper+"$")
	cmd := exec.Command("strace", args...)
	cmd.Env = append(os.Environ(), helperFolder+"="+dir)
	printed, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
	logged, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return string(printed), string(logged)
}

func folder(t *testing.T) string {
	t.Helper()
	dir := os.Getenv(helperFolder)
	if dir == "" {
		t.Skip("run under strace by another test")
	}
	return dir
}

func TestHelperOpen(t *testing.T) { open(t, folder(t)) }

// Open syncs what an earlier process may have left in the kernel's cache before it reads anything, and the
// names of a new folder and a new file.
func TestOpenSyncs(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "data")
	call := regexp.MustCompile(`(?m)^\d+ +(\w+)\(\d+<([^>]*)>`) // the end of a call may be on a later line
	opened := func() string {
		_, log := strace(t, "TestHelperOpen", dir, "-e", "trace=pwrite64,fsync")
		var calls []string
		for _, c := range call.FindAllStringSubmatch(log, -1) {
			calls = append(calls, c[1]+" "+filepath.Base(c[2]))
		}
		return strings.Join(calls, ", ")
	}
	page := "pwrite64 " + FileName + ", fsync " + FileName + ", "
	synced := page + page + "fsync data"
	if got, first := opened(), "fsync "+filepath.Base(parent)+", "; !strings.HasPrefix(got, first) || !strings.HasSuffix(got, synced) {
		t.Errorf("a new store: %s, want %s... %s", got, first, synced)
	}
	if got := opened(); got != synced {
		t.Errorf("an old store: %s, want %s", got, synced)
	}
}

// TestHelperCommits commits until an error occurs, and prints the number of successful commits and what a View
// then returns.
func TestHelperCommits(t *testing.T) {
	db, err := Open(folder(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	acked := -1
	for ; err == nil; acked++ {
		_, err = db.Commit(t.Context(), put("a", fmt.Sprint(acked+2)))
	}
	_, rev, err := get(t.Context(), db, "a")
	if errors.Is(err, store.ErrFailed) {
		rev, err = -1, nil
	}
	fmt.Printf("acked %d seen %d %v\n", acked, rev, err)
}

// The kernel rejects a sync. It is either the sync of the pages, before anything refers to them, or the sync of
// the page that refers to them, which is visible in the cache by then. strace counts the calls of each thread,
// so which one it hits is random.
func TestFailedSync(t *testing.T) {
	older, refused := 0, 0
	for when := 1; when <= 40 && (older == 0 || refused == 0); when++ {
		dir := t.TempDir()
		open(t, dir).Close()
		out, _ := strace(t, "TestHelperCommits", dir, "-e", fmt.Sprintf("inject=fdatasync:error=EIO:when=%d", when))
		var acked, seen int64
		var problem string
		if _, err := fmt.Sscanf(out, "acked %d seen %d %s", &acked, &seen, &problem); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		switch {
		case problem == "<nil>" && seen == acked:
			older++
		case problem == "<nil>" && seen == -1:
			refused++
		default:
			t.Errorf("after %d commits: %s", acked, out)
		}
		db := open(t, dir) // the last commit has an unknown outcome, but is not partial
		item, rev, err := get(t.Context(), db, "a")
		if err != nil || rev != acked && rev != acked+1 || rev > 0 && string(item.Value) != fmt.Sprint(rev) {
			t.Errorf("%d commits succeeded, and after a restart a is %q at %d (%v)", acked, item.Value, rev, err)
		}
	}
	if older == 0 || refused == 0 {
		t.Errorf("the sync of the pages failed %d times and the sync of the page that refers to them %d times", older, refused)
	}
}
