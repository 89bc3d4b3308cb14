package custodytest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A TPM is a process of swtpm.
type TPM struct {
	Socket  string
	State   string // folder of its memory that outlives a start
	process *exec.Cmd
	t       *testing.T
}

// NewTPM makes a TPM and starts it.
func NewTPM(t *testing.T) *TPM {
	t.Helper()
	need(t, "swtpm")
	dir, err := os.MkdirTemp("", "tpm") // the path of a socket must be short
	check(t, err)
	s := &TPM{t: t, State: filepath.Join(dir, "state"), Socket: filepath.Join(dir, "tpm")}
	check(t, os.Mkdir(s.State, 0o700))
	s.Start()
	t.Cleanup(func() {
		s.Kill()
		_ = os.RemoveAll(dir) // a folder of this test alone
	})
	return s
}

// Start is a start of the machine: all PCRs have their first values.
func (s *TPM) Start() {
	s.t.Helper()
	s.process = exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+s.State,
		"--server", "type=unixio,path="+s.Socket, "--flags", "not-need-init,startup-clear")
	check(s.t, s.process.Start())
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if link, err := net.Dial("unix", s.Socket); err == nil {
			check(s.t, link.Close())
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal("swtpm does not start")
		}
	}
}

// Signal sends a signal to the process.
func (s *TPM) Signal(signal os.Signal) {
	s.t.Helper()
	check(s.t, s.process.Process.Signal(signal))
}

// Kill ends the process like a loss of power.
func (s *TPM) Kill() {
	_ = s.process.Process.Kill() // fails only if it has ended
	_ = s.process.Wait()         // reports that it was killed
	_ = os.Remove(s.Socket)
}

// AllowTries sets after how many wrong tries the TPM locks itself. Each Kill counts as a try, because the TPM cannot
// know whether a try was under way.
func (s *TPM) AllowTries(n byte) {
	s.t.Helper()
	link, err := net.Dial("unix", s.Socket)
	check(s.t, err)
	defer link.Close()
	// TPM2_DictionaryAttackParameters with an empty password (TPM 2.0 Library, part 3, section 25.3): n tries, of which
	// the TPM forgets one in a second
	_, err = link.Write([]byte{
		0x80, 2, 0, 0, 0, 39, 0, 0, 1, 0x3a, 0x40, 0, 0, 10, 0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0,
		0, 0, 0, n, 0, 0, 0, 1, 0, 0, 0, 1,
	})
	check(s.t, err)
	answer := make([]byte, 64)
	if size, err := link.Read(answer); err != nil || size < 10 || string(answer[6:10]) != "\x00\x00\x00\x00" {
		s.t.Fatalf("the TPM answers %x, %v", answer[:size], err)
	}
}
