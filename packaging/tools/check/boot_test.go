package check

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A machine is a Debian that systemd-nspawn has booted.
type machine struct {
	root   string // folder
	leader string // process ID of its systemd
}

// boot boots a copy of the Debian in the folder KEYHOLD_DEBIAN.
func boot(t *testing.T) machine { return bootOn(t, "--private-network") }

// bootOn boots a copy with a flag of systemd-nspawn(1) about its network.
func bootOn(t *testing.T, network string) machine {
	t.Helper()
	base := os.Getenv("KEYHOLD_DEBIAN")
	if base == "" {
		t.Fatal("KEYHOLD_DEBIAN names no folder: run make packages-check, which makes one with debootstrap")
	}
	m := machine{root: filepath.Join(t.TempDir(), "machine")}
	run(t, "cp", "-a", "--reflink=auto", base, m.root)
	var console bytes.Buffer
	// systemd needs a console, and script makes the terminal for it.
	c := exec.Command("script", "-qfc", "exec systemd-nspawn --quiet --register=no --keep-unit "+network+
		" -b --console=interactive -D "+m.root, "/dev/null")
	c.Stdout, c.Stderr = &console, &console
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if m.leader != "" {
			_, _ = try(t, "kill", "-s", "KILL", m.leader) // ends all processes of the machine
		}
		_ = c.Wait() // reports how the machine ended
		if t.Failed() {
			t.Log(console.String())
		}
	})
	m.await(t)
	return m
}

// await waits until the machine has booted.
func (m *machine) await(t *testing.T) {
	t.Helper()
	for range 900 {
		if m.leader = leader(m.root); m.leader != "" {
			out, _ := m.try(t, "systemctl is-system-running || true")
			if state := strings.TrimSpace(out); state == "running" || state == "degraded" {
				return
			}
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatal("the machine did not boot")
}

// leader returns the ID of the process that is the first one in its PID namespace and whose root is a
// folder, or "".
func leader(root string) string {
	folder, err := os.Stat(root)
	if err != nil {
		return ""
	}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range all {
		status, _ := os.ReadFile(process + "/status")
		its, err := os.Stat(process + "/root/.")
		if err == nil && os.SameFile(its, folder) && firstOfNamespace(string(status)) {
			return filepath.Base(process)
		}
	}
	return ""
}

// firstOfNamespace reports whether a process has the ID 1 in a PID namespace of its own.
func firstOfNamespace(status string) bool {
	for line := range strings.Lines(status) {
		if ids, ok := strings.CutPrefix(line, "NSpid:"); ok {
			f := strings.Fields(ids)
			return len(f) > 1 && f[len(f)-1] == "1"
		}
	}
	return false
}

// try runs a script in the machine.
func (m machine) try(t *testing.T, script string) (string, error) {
	t.Helper()
	return try(t, "nsenter", "-t", m.leader, "-m", "-u", "-i", "-n", "-p", "--", "env", "-i",
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "DEBIAN_FRONTEND=noninteractive", "sh", "-ec", script)
}

// run runs a script in the machine, and fails the test if the script fails.
func (m machine) run(t *testing.T, script string) string {
	t.Helper()
	out, err := m.try(t, script)
	if err != nil {
		journal, _ := m.try(t, "journalctl --no-pager -n 40 -u keyhold; systemctl status --no-pager keyhold")
		t.Fatalf("%s: %v\n%s\n%s", script, err, out, journal)
	}
	return out
}

// install installs a package.
func (m machine) install(t *testing.T, deb string) {
	t.Helper()
	name := "/var/tmp/" + filepath.Base(deb)
	run(t, "cp", deb, m.root+name)
	m.run(t, "dpkg -i "+name)
}
