package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/keyhold/keyhold/internal/guarded"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// soundMachine returns a machine without a fault.
func soundMachine() Machine {
	return Machine{
		Clock: func() (bool, error) { return true, nil },
		Stat:  stat(fs.ModeDir | 0o700),
		Guard: func(string) error { return nil },
		Disk:  func(string) (int64, int64, error) { return 10 << 30, 20 << 30, nil },
		Net:   func(string) (string, error) { return "", nil },
		Sync:  func(string) (time.Duration, error) { return time.Millisecond, nil },
		Swaps: func() (bool, error) { return false, nil },
		Locks: func() (bool, error) { return false, nil },
		Hosts: func(context.Context, string) ([]string, error) { return []string{"192.0.2.1"}, nil },
	}
}

func soundSubject() Subject {
	return Subject{Folder: "/data", Reserve: 16 << 20, Now: noon, Ahead: 30 * day, Low: low, Certificate: &x509.Certificate{
		NotBefore: noon.Add(-day), NotAfter: noon.Add(90 * day), DNSNames: []string{"kms.example.org", "*.example.org", "localhost"},
	}}
}

// low is the free space at which a volume needs attention.
func low(int64) int64 { return 1 << 30 }

// stat returns a Stat for which each path has the mode.
func stat(mode fs.FileMode) func(string) (fs.FileInfo, error) {
	return func(string) (fs.FileInfo, error) {
		return fs.Stat(fstest.MapFS{"data": {Mode: mode}}, "data")
	}
}

func TestFindings(t *testing.T) {
	failed := errors.New("failed")
	for _, c := range []struct {
		name   string
		change func(*Machine, *Subject)
		check  string
		state  State
		fact   string
	}{
		{"no time service", func(m *Machine, _ *Subject) { m.Clock = func() (bool, error) { return false, nil } }, "clock", Careful, "no time service"},
		{"an unknown clock", func(m *Machine, _ *Subject) { m.Clock = func() (bool, error) { return true, failed } }, "clock", Unknown, "failed"},
		{"no folder", func(m *Machine, _ *Subject) {
			m.Stat = func(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist }
		}, "folder", Bad, "does not exist"},
		{"a secret folder", func(m *Machine, _ *Subject) {
			m.Stat = func(string) (fs.FileInfo, error) { return nil, fs.ErrPermission }
		}, "folder", Bad, "cannot be read"},
		{"a file", func(m *Machine, _ *Subject) { m.Stat = stat(0o700) }, "folder", Bad, "is not a folder"},
		{"a folder that others may change", func(m *Machine, _ *Subject) {
			m.Guard = func(string) error { return guarded.Fault{What: "others may change it", Remedy: "chmod"} }
		}, "folder", Bad, "others may change it"},
		{"an unknown guard", func(m *Machine, _ *Subject) { m.Guard = func(string) error { return failed } }, "folder", Bad, "failed"},
		{"a folder of the group", func(m *Machine, _ *Subject) { m.Stat = stat(fs.ModeDir | 0o710) }, "folder", Careful, "its mode is 0710"},
		{"a folder of others", func(m *Machine, _ *Subject) { m.Stat = stat(fs.ModeDir | 0o701) }, "folder", Careful, "its mode is 0701"},
		{"NFS", func(m *Machine, _ *Subject) { m.Net = func(string) (string, error) { return "NFS", nil } }, "folder", Careful, "of the type NFS"},
		{"little space", func(m *Machine, _ *Subject) {
			m.Disk = func(string) (int64, int64, error) { return 1040 << 20, 1 << 40, nil }
		}, "space", Careful, "1024 MiB of 1048576 MiB are free on the disk"},
		{"enough space", func(m *Machine, _ *Subject) {
			m.Disk = func(string) (int64, int64, error) { return 1040<<20 + 1, 1 << 40, nil }
		}, "space", Good, "1024 MiB"},
		{"no space", func(m *Machine, _ *Subject) {
			m.Disk = func(string) (int64, int64, error) { return 80<<20 - 1, 1 << 40, nil }
		}, "space", Bad, "63 MiB"},
		{"unknown space", func(m *Machine, _ *Subject) { m.Disk = func(string) (int64, int64, error) { return 0, 0, failed } }, "space", Unknown, "failed"},
		{"a slow disk", func(m *Machine, _ *Subject) {
			m.Sync = func(string) (time.Duration, error) { return slowSync + 1, nil }
		}, "speed", Careful, "takes 10.0 ms"},
		{"a fast disk", func(m *Machine, _ *Subject) { m.Sync = func(string) (time.Duration, error) { return slowSync, nil } }, "speed", Good, "takes 10.0 ms"},
		{"a very slow disk", func(m *Machine, _ *Subject) {
			m.Sync = func(string) (time.Duration, error) { return verySlowSync + 1, nil }
		}, "speed", Bad, "takes 100.0 ms"},
		{"a folder that cannot be written", func(m *Machine, _ *Subject) { m.Sync = func(string) (time.Duration, error) { return 0, failed } }, "speed", Bad, "failed"},
		{"swap", func(m *Machine, _ *Subject) { m.Swaps = func() (bool, error) { return true, nil } }, "memory", Careful, "may write keys to disk"},
		{"swap and locked memory", func(m *Machine, _ *Subject) {
			m.Swaps = func() (bool, error) { return true, nil }
			m.Locks = m.Swaps
		}, "memory", Good, "may lock memory"},
		{"unknown swap", func(m *Machine, _ *Subject) { m.Swaps = func() (bool, error) { return false, failed } }, "memory", Unknown, "failed"},
		{"unknown limits", func(m *Machine, _ *Subject) { m.Locks = func() (bool, error) { return false, failed } }, "memory", Unknown, "failed"},
		{"no certificate", func(_ *Machine, s *Subject) { s.Certificate = nil }, "certificate", Good, "no certificate"},
		{"a certificate of tomorrow", func(_ *Machine, s *Subject) { s.Certificate.NotBefore = noon.Add(1) }, "certificate", Bad, "begins at 2030"},
		{"a certificate that ends now", func(_ *Machine, s *Subject) { s.Certificate.NotAfter = noon }, "certificate", Bad, "ended at 2030-01-01T12:00:00Z"},
		{"a certificate of this month", func(_ *Machine, s *Subject) { s.Certificate.NotAfter = noon.Add(30 * day) }, "certificate", Careful, "ends in 30 days"},
		{"a certificate of more than 30 days", func(_ *Machine, s *Subject) { s.Certificate.NotAfter = noon.Add(30*day + 1) }, "certificate", Good, "ends at 2030-01-31"},
		{"a name without an address", func(m *Machine, _ *Subject) {
			m.Hosts = func(context.Context, string) ([]string, error) { return nil, failed }
		}, "names", Careful, "kms.example.org"},
		{"a name with no addresses", func(m *Machine, _ *Subject) {
			m.Hosts = func(context.Context, string) ([]string, error) { return nil, nil }
		}, "names", Careful, "kms.example.org"},
	} {
		m, s := soundMachine(), soundSubject()
		c.change(&m, &s)
		for _, f := range Examine(t.Context(), m, s) {
			switch {
			case f.Check != c.check && f.State != Good:
				t.Errorf("%s: the check %s found %+v", c.name, f.Check, f)
			case f.Check == c.check && (f.State != c.state || !strings.Contains(f.Fact, c.fact)):
				t.Errorf("%s: got %+v", c.name, f)
			case (f.State == Good) != (f.Remedy == ""):
				t.Errorf("%s: the remedy is %q", c.name, f.Remedy)
			}
		}
	}
}

func TestSoundMachine(t *testing.T) {
	all := Examine(t.Context(), soundMachine(), soundSubject())
	if len(all) != len(checks) || Worst(all) != Good {
		t.Errorf("got %+v", all)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if all := Examine(ended, soundMachine(), soundSubject()); len(all) > 0 {
		t.Errorf("after the end of the context: %+v", all)
	}
}

func TestWorst(t *testing.T) {
	of := func(states ...State) (all []Finding) {
		for _, s := range states {
			all = append(all, Finding{State: s})
		}
		return all
	}
	for _, c := range []struct {
		all  []Finding
		want State
	}{
		{nil, Good}, {of(Good), Good}, {of(Good, Unknown), Unknown}, {of(Careful, Unknown), Careful}, {of(Careful, Bad, Good), Bad},
	} {
		if got := Worst(c.all); got != c.want {
			t.Errorf("%v: got %s, want %s", c.all, got, c.want)
		}
	}
}

// The machine that runs this test answers each question, and the file that measures the disk is removed.
func TestThisMachine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, f := range Examine(t.Context(), ThisMachine(), Subject{Folder: dir, Now: time.Now(), Low: low}) {
		if f.State == Bad && f.Check != "speed" && f.Check != "space" {
			t.Errorf("%+v", f)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the folder has %v, %v", left, err)
	}
	if _, err := timeSyncs(filepath.Join(dir, "missing")); err == nil {
		t.Error("a missing folder was measured")
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if all := folder(t.Context(), ThisMachine(), Subject{Folder: dir}); all[0].State != Careful {
		t.Errorf("a folder for all: %+v", all)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if all := folder(t.Context(), ThisMachine(), Subject{Folder: dir}); all[0].State != Bad || !strings.Contains(all[0].Remedy, "chmod 700") {
		t.Errorf("a folder that all may change: %+v", all)
	}
}
