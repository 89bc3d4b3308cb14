package custody

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/keyhold/keyhold/internal/custody/helper"
)

// helperName is the name of the program that uses PKCS#11 libraries.
const helperName = "keyhold-pkcs11"

const (
	helperTime     = 12 * time.Second // for one operation: a device that is slow by 5 seconds has time for it
	helperAttempts = 3                // if the program crashes
	helperPause    = 200 * time.Millisecond
)

// findHelper returns the path of keyhold-pkcs11: in the folder of this program, or in PATH.
func findHelper() (string, error) {
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), helperName)
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
			return beside, nil
		}
	}
	path, err := exec.LookPath(helperName)
	if err != nil {
		return "", fmt.Errorf("the program %s is neither in the folder of keyhold nor in PATH: install it there", helperName)
	}
	return path, nil
}

// A helperProcess runs keyhold-pkcs11, once for each operation.
type helperProcess struct {
	program string
	pass    []string // environment variables that the library needs
}

// errCrashed means that the program ended without an answer.
var errCrashed = errors.New(helperName + " crashed in the library of the vendor")

// run returns the response to a request. If the program crashes, run starts it again after a pause, which doubles.
func (h helperProcess) run(ctx context.Context, r helper.Request) (response helper.Response, err error) {
	pause := helperPause
	for attempt := 1; ; attempt++ {
		response, err = h.once(ctx, r)
		if !errors.Is(err, errCrashed) || attempt == helperAttempts {
			return response, err
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return response, ctx.Err()
		}
	}
}

// once runs the program once, and kills it when its time is over.
func (h helperProcess) once(ctx context.Context, r helper.Request) (response helper.Response, err error) {
	ctx, cancel := context.WithTimeout(ctx, helperTime)
	defer cancel()
	r.Seconds = int(helperTime/time.Second) + 1
	request, err := json.Marshal(r)
	if err != nil {
		return response, err
	}
	defer clear(request)
	c := exec.CommandContext(ctx, h.program)
	c.Env, c.Dir = h.environment(), "/"
	c.Stdin = bytes.NewReader(request)
	c.WaitDelay = time.Second // a process of the library may keep the pipe open
	answer := &boundedBuffer{}
	c.Stdout = answer
	err = c.Run()
	defer clear(answer.text)
	switch {
	case ctx.Err() != nil:
		return response, fmt.Errorf("it did not answer within %v: check the device, and the way to it", helperTime)
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return response, fmt.Errorf("start %s: %w: install it in the folder of keyhold", helperName, err)
	case err != nil:
		return response, fmt.Errorf("%w (%w): ask the vendor for another version", errCrashed, err)
	}
	if err := helper.Read(bytes.NewReader(answer.text), &response); err != nil {
		return response, fmt.Errorf("%w: its answer is cut off: ask the vendor for another version", errCrashed)
	}
	return response, nil
}

// environment returns the environment of the program: nothing of this process but what finds the files of the library.
// Without this, credentials in the environment would reach the code of the vendor.
func (h helperProcess) environment() (env []string) {
	for _, name := range append([]string{"PATH", "HOME", "LANG", "TZ", "TMPDIR"}, h.pass...) {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// A boundedBuffer keeps the bytes of one message.
type boundedBuffer struct{ text []byte }

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if len(b.text)+len(p) > helper.MaxMessage {
		return 0, io.ErrShortWrite
	}
	b.text = append(b.text, p...)
	return len(p), nil
}
