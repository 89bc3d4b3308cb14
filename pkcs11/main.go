// Keyhold-pkcs11 does one operation with a key on a PKCS#11 token. Keyhold starts it for a custody of the kind pkcs11
// (docs/custody.md), because the library of a vendor needs cgo and may crash.
//
// It reads a request from standard input, and writes the response to standard output (package helper). It has no flags,
// so that no secret can be in them.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keyhold/keyhold/internal/custody/helper"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "keyhold-pkcs11: %v\nKeyhold starts this program; it is of no use by itself\n", err)
		os.Exit(2)
	}
}

func run() error {
	if err := harden(); err != nil {
		return err
	}
	out, err := takeOutput()
	if err != nil {
		return err
	}
	var request helper.Request
	if err := helper.Read(os.Stdin, &request); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	time.AfterFunc(time.Duration(max(request.Seconds, 1))*time.Second, func() { os.Exit(3) }) // a library may hang
	return json.NewEncoder(out).Encode(do(request))
}

// harden keeps the PIN out of core dumps, and away from other processes of the same user.
func harden() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}

// takeOutput returns standard output, and sends to standard error what the library of the vendor prints.
func takeOutput() (*os.File, error) {
	fd, err := syscall.Dup(1)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(fd)
	if err := unix.Dup3(2, 1, 0); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "response"), nil
}

// do carries out a request.
func do(r helper.Request) helper.Response {
	if r.Version != helper.Version {
		return helper.Response{
			Fault: helper.BadRequest,
			Text:  fmt.Sprintf("the message has version %d, and this program version %d", r.Version, helper.Version),
		}
	}
	data, err := perform(r)
	if err != nil {
		return helper.Response{Fault: faultOf(err), Text: err.Error()}
	}
	return helper.Response{Data: data}
}

// perform opens the token and carries out the operation with its key.
func perform(r helper.Request) ([]byte, error) {
	t, err := openToken(r)
	if err != nil {
		return nil, err
	}
	defer t.close()
	k, err := t.find(r.Key)
	if r.Operation == helper.Create {
		if faultOf(err) == helper.NoKey {
			err = t.create(r.Key)
		}
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	switch r.Operation {
	case helper.Wrap:
		return k.wrap(r.Data, r.Context)
	case helper.Unwrap:
		return k.unwrap(r.Data, r.Context)
	}
	return nil, fault{helper.BadRequest, fmt.Sprintf("there is no operation %q", r.Operation)}
}
