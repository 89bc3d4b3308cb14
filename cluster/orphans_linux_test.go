package cluster

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// endWithTest makes the kernel kill a process when this one ends, in whatever way (PR_SET_PDEATHSIG in prctl(2)).
func endWithTest(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

const asParent = "KEYHOLD_TEST_PARENT" // makes TestKilledTest start a server and wait

// A test that is killed leaves no servers behind.
func TestKilledTest(t *testing.T) {
	if os.Getenv(asParent) != "" {
		fmt.Println("server", startCluster(t, 1)[0].process.Process.Pid)
		select {}
	}
	t.Parallel()
	c := exec.Command(os.Args[0], "-test.run", "^TestKilledTest$")
	c.Env = append(os.Environ(), asParent+"=1")
	endWithTest(c)
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	pid := ""
	for lines := bufio.NewScanner(out); pid == "" && lines.Scan(); {
		pid, _ = strings.CutPrefix(lines.Text(), "server ")
		if pid == lines.Text() {
			pid = ""
		}
	}
	if !isRunning(pid) {
		t.Fatalf("the server %q does not run", pid)
	}
	c.Process.Kill()
	c.Wait()
	for deadline := time.Now().Add(patience); isRunning(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the server %s runs on", pid)
		}
	}
}

// isRunning reports whether a process exists and has not ended (proc_pid_stat(5)).
func isRunning(pid string) bool {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	_, state, _ := bytes.Cut(text, []byte(") "))
	return err == nil && !bytes.HasPrefix(state, []byte("Z"))
}
