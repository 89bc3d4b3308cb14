package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Swap is known from /proc/swaps, or from the kernel where a service does not see the file.
func TestSwapActive(t *testing.T) {
	const titles = "Filename Type Size Used Priority\n"
	failed := errors.New("failed")
	swap := func(active bool, err error) func(*unix.Sysinfo_t) error {
		return func(i *unix.Sysinfo_t) error {
			if active {
				i.Totalswap = 1
			}
			return err
		}
	}
	for _, c := range []struct {
		name, text string // of the file; "" for none
		sysinfo    func(*unix.Sysinfo_t) error
		active     bool
		err        error
	}{
		{"no swap area", titles, swap(true, nil), false, nil},
		{"a swap area", titles + "/dev/sda2 partition 1048572 0 -2\n", swap(false, nil), true, nil},
		{"hidden, without swap", "", swap(false, nil), false, nil},
		{"hidden, with swap", "", swap(true, nil), true, nil},
		{"not known", "", swap(false, failed), false, failed},
	} {
		path := filepath.Join(t.TempDir(), "swaps")
		if c.text != "" {
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if active, err := swapActiveBy(path, c.sysinfo); active != c.active || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v", c.name, active, err)
		}
	}
	seen, err := swapActive()
	hidden, err2 := swapActiveBy(filepath.Join(t.TempDir(), "missing"), unix.Sysinfo)
	if err != nil || err2 != nil || seen != hidden {
		t.Errorf("this machine: %v, %v from the file, and %v, %v from the kernel", seen, err, hidden, err2)
	}
}
