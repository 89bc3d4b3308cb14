package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tracedCalls are the system calls that change files or carry a response. The list has more calls
// than the program makes: an unknown call must not be overlooked.
const tracedCalls = "openat,creat,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,sync_file_range,msync,ftruncate,truncate,fallocate," +
	"rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,link,linkat,symlinkat,copy_file_range,sendfile,splice"

// straceWords are the words before a program that make strace write its system calls to a file, with
// all bytes. With -D the program stays a child of the test.
func straceWords(log string, more ...string) []string {
	return append([]string{"strace", "-D", "-f", "-yy", "-xx", "-s", "1048576", "-e", "signal=kill", "-o", log, "-e", "trace=" + tracedCalls}, more...)
}

func needsStrace(t *testing.T) {
	t.Helper()
	needs(t, "strace", func() error { return exec.Command("strace", "-f", "-o", os.DevNull, "true").Run() })
}

// A tracedCall is one system call of the program.
type tracedCall struct {
	from         string // of a rename
	name         string
	path         string   // of the descriptor, or the name in the call or in its result
	args         []string // as strace writes them
	result       int64    // -1 if it failed
	begun, ended int      // places in the trace; ended is neverEnded if the call did not return
}

const neverEnded = int(^uint(0) >> 1)

// data returns an argument that holds bytes.
func (c tracedCall) data(arg int) ([]byte, error) {
	if arg >= len(c.args) {
		return nil, fmt.Errorf("%s has %d arguments", c.name, len(c.args))
	}
	text, quoted := strings.CutPrefix(c.args[arg], `"`)
	text, whole := strings.CutSuffix(text, `"`)
	if !quoted || !whole {
		return nil, fmt.Errorf("%s: the trace cut its bytes", c.name)
	}
	return hex.DecodeString(strings.ReplaceAll(text, `\x`, ""))
}

func (c tracedCall) number(arg int) (int64, error) {
	if arg >= len(c.args) {
		return 0, fmt.Errorf("%s has %d arguments", c.name, len(c.args))
	}
	return strconv.ParseInt(c.args[arg], 10, 64)
}

// readTrace reads the trace of the program with this process ID after the program has ended. The
// places of its calls begin at first. It also returns the place after them.
func readTrace(path string, pid, first int) (calls []tracedCall, next int, err error) {
	text, err := waitForTrace(path, pid)
	if err != nil {
		return nil, 0, err
	}
	open, written := map[string]tracedCall{}, map[string]string{} // calls that have not ended, by thread
	place := first
	for r := bufio.NewReader(bytes.NewReader(text)); ; place++ {
		line, err := r.ReadString('\n')
		if err == io.EOF {
			break
		}
		thread, call, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		call = strings.TrimLeft(call, " ")
		c := tracedCall{begun: place}
		if strings.HasPrefix(call, "<... ") {
			_, rest, _ := strings.Cut(call, " resumed>")
			c, call = open[thread], written[thread]+rest
			delete(open, thread)
		}
		if before, unfinished := strings.CutSuffix(call, " <unfinished ...>"); unfinished {
			c.ended = neverEnded
			open[thread], written[thread] = c, before
			continue
		}
		if strings.HasPrefix(call, "+++") || strings.HasPrefix(call, "---") {
			continue
		}
		c.ended = place
		if err := c.parse(call); err != nil {
			return nil, 0, err
		}
		if interrupted.MatchString(call) {
			continue
		}
		if strings.HasSuffix(call, " = ?") { // killed
			c.ended = neverEnded
		}
		calls = append(calls, c)
	}
	for thread, c := range open {
		if err := c.parse(written[thread] + ") = ?"); err != nil {
			return nil, 0, err
		}
		calls = append(calls, c)
	}
	return calls, place, nil
}

// interrupted matches a call that was interrupted before it did anything. The kernel repeats the
// call.
var interrupted = regexp.MustCompile(` = \? ERESTART\w+ `)

// waitForTrace returns the trace when strace has written its end.
func waitForTrace(path string, pid int) ([]byte, error) {
	end := regexp.MustCompile(fmt.Sprintf(`(?m)^%d +\+\+\+ .* \+\+\+\n\z`, pid))
	for deadline := time.Now().Add(faultPatience); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if end.Match(text[max(0, len(text)-100):]) {
			return text, err
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("the trace %s has no end (%v)", path, err)
		}
	}
}

// parse parses a call as strace writes it: name(arg, arg) = result.
func (c *tracedCall) parse(text string) error {
	name, rest, ok1 := strings.Cut(text, "(")
	i := strings.LastIndex(rest, " = ")
	if !ok1 || i < 0 {
		return fmt.Errorf("trace: %.200q is not a call", text)
	}
	args, result := strings.TrimSuffix(strings.TrimRight(rest[:i], " "), ")"), rest[i+len(" = "):]
	c.name, c.args = name, strings.Split(args, ", ")
	number, opened, _ := strings.Cut(result, "<")
	number, _, _ = strings.Cut(number, " ")
	if c.result = -1; number != "?" {
		n, err := strconv.ParseInt(number, 0, 64)
		if err != nil {
			return fmt.Errorf("trace: %.200q: %w", text, err)
		}
		c.result = n
	}
	switch c.name {
	case "openat":
		c.path = unhex(strings.TrimSuffix(opened, ">"))
	case "mkdirat", "unlinkat":
		c.path = unhex(strings.Trim(c.args[1], `"`))
	case "renameat", "renameat2":
		c.path, c.from = unhex(strings.Trim(c.args[3], `"`)), unhex(strings.Trim(c.args[1], `"`))
	default:
		_, of, _ := strings.Cut(c.args[0], "<")
		c.path = unhex(strings.TrimSuffix(of, ">"))
	}
	return nil
}

// unhex returns a name that strace wrote in hexadecimal. Names that the kernel made up are not in
// hexadecimal.
func unhex(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
	if err != nil || !strings.HasPrefix(s, `\x`) {
		return s
	}
	return string(b)
}
