package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/programtest"
	"github.com/keyhold/keyhold/internal/recipients"
	"github.com/keyhold/keyhold/internal/shares"
)

// A secretsTest has secrets whose bytes are known, and records where the programs could show them.
type secretsTest struct {
	*moving
	secrets map[string][]byte
	shown   map[string]bool // arguments and environments of the programs
	looked  map[string]int  // how often a process was looked at
}

// TestSecretsStayInside takes a deployment through init with a recovery key, serve, an import with shares of the
// original, two migrations, a recovery and an import from shares. Then it looks for the root keys, the passphrase, the
// PIN, the key of the root key file, the recovery key, the values of all shares and the original: in all files, in all
// output, in arguments and environments, and in the memory of the servers.
func TestSecretsStayInside(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may read the memory of a process that is not dumpable")
	}
	t.Setenv("GOEXPERIMENT", "runtimesecret")
	path := programtest.Build(t, ".", ".")
	passphrase, token, file := fileRig(t, "passphrase"), tokenRig(t), fileRig(t, "key-file")
	temporary, home := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("HOME", home)
	s := &secretsTest{secrets: map[string][]byte{"passphrase": []byte(passphrase.secret()), "PIN": []byte(token.secret())}, shown: map[string]bool{}, looked: map[string]int{}}
	s.moving = newMoving(t, path, passphrase)
	end := s.watch()
	s.secrets["original"] = make([]byte, 32)
	rand.Read(s.secrets["original"])
	original := filepath.Join(t.TempDir(), "original")
	must(t, os.WriteFile(original, s.secrets["original"], 0o600))
	s.must("import", "alias/a", "--create", "--from", original, "--no-expiry", "--wrapping-key-spec", "RSA_2048",
		"--escrow-to", "custodians", "--threshold", "2", "--shares-out", "original-shares")
	s.must("seal", "make", token.custody)
	s.must("seal", "migrate", "--to", token.custody)
	s.readShares("shares")
	s.readShares("original-shares")
	s.outside(s.inMemory("of the passphrase and the token"))
	s.stop()
	s.rootKey("first root key", token)
	s.custody = token
	s.start()
	s.must("seal", "rotate", "--root")
	s.outside(s.inMemory("of the token, after a rotation"))
	s.stop()
	s.rootKey("second root key", token)
	s.must(append([]string{"recover", "--data", "data", "--to", file.custody, "--remove-others"}, s.moving.shares...)...)
	s.custody = file
	key, err := base64.StdEncoding.DecodeString(file.secret())
	must(t, err)
	s.secrets["root key file"] = key
	s.start()
	s.must("import", "alias/b", "--create", "--from-shares", "original-shares/share-1.sealed", "--from-shares", "original-shares/share-3.sealed",
		"--identity", "identities", "--no-expiry", "--wrapping-key-spec", "RSA_2048")
	s.decrypts("at the end")
	found := s.inMemory("of the root key file")
	s.outside(found, "passphrase", "PIN", "first root key")
	if found["root key file"] == 0 || found["original"] == 0 {
		t.Error("the memory of the server was not searched")
	}
	s.stop()
	end()
	must(t, os.WriteFile(filepath.Join(s.folder, "output"), s.output, 0o600))
	s.check(s.folder, temporary, home)
}

// rootKey adds the newest root key to the secrets. No server may run.
func (s *secretsTest) rootKey(name string, by custodyRig) {
	s.Helper()
	s.secrets[name] = rootKeyOf(s.T, filepath.Join(s.folder, "data"), by.custody)
}

// readShares adds the values of the shares in a folder to the secrets, and the secret that they bring back.
func (s *secretsTest) readShares(folder string) {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(s.folder, "identities"))
	must(s.T, err)
	ids, err := recipients.ParseIdentities(text, nil)
	must(s.T, err)
	var given []shares.Given
	for i := range 3 {
		file, err := os.ReadFile(filepath.Join(s.folder, folder, fmt.Sprintf("share-%d.sealed", i+1)))
		must(s.T, err)
		share, err := shares.Read(file, ids)
		must(s.T, err)
		given = append(given, shares.Given{Share: share})
		_, encoded, _ := strings.Cut(string(share.Encode()), "\nvalue: ")
		value, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
		if err != nil || len(value) != 32 {
			s.Fatal(err, len(value))
		}
		s.secrets[fmt.Sprintf("share %d in %s", i+1, folder)] = value
	}
	s.secrets["secret of "+folder], err = shares.Join(given)
	must(s.T, err)
}

// watch records the arguments and the environments of the programs until the function that it returns is called.
func (s *secretsTest) watch() (end func()) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				s.look()
			}
		}
	}()
	return func() { close(stop); <-ended }
}

func (s *secretsTest) look() {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if s.looked[file]++; s.looked[file] > 20 {
			continue // another program, or one whose arguments are recorded
		}
		arguments, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(arguments, []byte(s.program)) && !bytes.Contains(arguments, []byte("keyhold-pkcs11")) {
			continue
		}
		environment, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "environ")) // the process may have ended
		s.shown[string(arguments)], s.shown[string(environment)] = true, true
	}
}

// check looks for the secrets in the recorded arguments and environments, and in all files of the folders.
func (s *secretsTest) check(folders ...string) {
	s.Helper()
	var all []byte
	for text := range s.shown {
		all = append(append(all, text...), 0)
	}
	must(s.T, os.WriteFile(filepath.Join(s.folder, "shown by the system"), all, 0o600))
	if len(s.shown) < 10 || !bytes.Contains(all, []byte("\x00serve\x00")) || !bytes.Contains(all, []byte("keyhold-pkcs11")) {
		s.Errorf("%d arguments and environments were seen", len(s.shown))
	}
	for name, secret := range s.secrets {
		for _, folder := range folders {
			found, files, err := findSecret(folder, secret)
			if err != nil || len(found) > 0 {
				s.Errorf("%s: %v of %d files, %v", name, found, files, err)
			}
		}
	}
}

// outside demands that the memory of a server never had the shares and the recovery key, nor other secrets by name.
func (s *secretsTest) outside(found map[string]int, names ...string) {
	s.Helper()
	for name, n := range found {
		if strings.HasPrefix(name, "share ") || name == "secret of shares" || slices.Contains(names, name) {
			s.Errorf("the memory of the server has the %s %d times", name, n)
		}
	}
}

// inMemory returns how often the memory of the server has each secret.
func (s *secretsTest) inMemory(at string) map[string]int {
	s.Helper()
	found := map[string]int{}
	for name, secret := range s.secrets {
		if n := countInMemory(s.T, s.server.Pid(), secret); n > 0 {
			found[name] = n
		}
	}
	s.Logf("in the memory of the server %s: %v", at, found)
	return found
}

// No signal makes a server write a core dump, although its limit would allow one and Go is told to crash.
func TestNoCoreDump(t *testing.T) {
	allowed := func(name string, args ...string) *exec.Cmd {
		c := exec.Command("sh", append([]string{"-c", `ulimit -c "$(ulimit -H -c)" && exec "$0" "$@"`, name}, args...)...)
		c.Dir = t.TempDir()
		return c
	}
	dumped := func(err error) bool {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			t.Fatal(err)
		}
		return exit.Sys().(syscall.WaitStatus).CoreDump()
	}
	if !dumped(allowed("sh", "-c", "kill -ABRT $$").Run()) {
		t.Log("this machine writes no core dumps at all")
	}
	path, data := buildProgram(t), filepath.Join(t.TempDir(), "data")
	t.Setenv("GOTRACEBACK", "crash")
	for _, signal := range []syscall.Signal{syscall.SIGABRT, syscall.SIGQUIT, syscall.SIGSEGV} {
		c := allowed(path, "dev", "--addr", "127.0.0.1:0", "--data", data)
		var log lockedBuffer
		c.Stderr = &log
		s, err := programtest.Start(t.Context(), c)
		if err != nil {
			t.Fatalf("%v\n%s", err, log.String())
		}
		if err := s.End(signal); err == nil || dumped(err) {
			t.Errorf("%s: %v, or a core dump", signal, err)
		}
		if files, err := os.ReadDir(c.Dir); err != nil || len(files) > 0 {
			t.Errorf("%s: %v, %v", signal, files, err)
		}
	}
}
