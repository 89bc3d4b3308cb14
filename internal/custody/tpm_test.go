package custody

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/keyhold/keyhold/internal/custodytest"
	"github.com/keyhold/keyhold/internal/seal"
)

const testAuth = "auth-5d0c2b19"

// A softTPM is a TPM of swtpm for one test.
type softTPM struct {
	*custodytest.TPM
	t *testing.T
}

func newSoftTPM(t *testing.T) *softTPM {
	t.Helper()
	return &softTPM{custodytest.NewTPM(t), t}
}

// with runs f on the TPM.
func (s *softTPM) with(f func(t transport.TPM) error) {
	s.t.Helper()
	link, hangUp, err := dialTPM(s.t.Context(), s.Socket)
	if err != nil {
		s.t.Fatal(err)
	}
	defer hangUp()
	if err := f(link); err != nil {
		s.t.Fatal(err)
	}
}

func (s *softTPM) extend(pcr tpm2.TPMHandle) {
	s.t.Helper()
	s.with(func(t transport.TPM) error {
		sum := sha256.Sum256([]byte("another kernel"))
		_, err := tpm2.PCRExtend{
			PCRHandle: tpm2.AuthHandle{Handle: pcr, Auth: tpm2.PasswordAuth(nil)},
			Digests:   tpm2.TPMLDigestValues{Digests: []tpm2.TPMTHA{{HashAlg: tpm2.TPMAlgSHA256, Digest: sum[:]}}},
		}.Execute(t)
		return err
	})
}

func (s *softTPM) argument(pcrs, auth string) string {
	s.t.Helper()
	return s.Socket + "?pcrs=" + pcrs + "&auth=" + write(s.t, auth+"\n")
}

func mustOpenTPM(t *testing.T, argument string) seal.Root {
	t.Helper()
	root, err := openTPM(argument, nil)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func tpmSample(t *testing.T) sample {
	return sample{
		one: Spec{"tpm", newSoftTPM(t).argument("0,7", testAuth)},
		two: Spec{"tpm", newSoftTPM(t).argument("0,7", testAuth)},
	}
}

// A sealed key opens after a start of the machine, unless a chosen PCR has another value.
func TestPCRs(t *testing.T) {
	s := newSoftTPM(t)
	argument := s.argument("0,7,9,10,11,12,13,14,16", testAuth)
	root := mustOpenTPM(t, argument)
	expect(t, root, "")
	wrapped, err := root.Wrap(t.Context(), []byte("secret"), "context")
	if err != nil {
		t.Fatal(err)
	}
	opens := func(want string) {
		t.Helper()
		got, err := mustOpenTPM(t, argument).Unwrap(t.Context(), wrapped, "context")
		if want == "" && (err != nil || string(got) != "secret") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	opens("")
	s.extend(8) // is not chosen
	opens("")
	expect(t, root, "")
	s.extend(7)
	s.extend(16)
	opens("the PCRs of the TPM have other values than when the root key was sealed: PCR 7, 16")
	opens("start it as before, or open the deployment with another custody")
	expect(t, root, "other values than when the root key was sealed: PCR 7, 16") // also in a server that is running
	s.Kill()
	s.Start()
	opens("")
	expect(t, root, "")
}

// A wrong authorisation value is sent once by each process, and never when it would lock the TPM.
func TestTPMAuthorisation(t *testing.T) {
	s := newSoftTPM(t)
	root := mustOpenTPM(t, s.argument("0", testAuth))
	wrapped, err := root.Wrap(t.Context(), []byte("secret"), "context")
	if err != nil {
		t.Fatal(err)
	}
	unwrap := func(by seal.Root, want string) {
		t.Helper()
		if _, err := by.Unwrap(t.Context(), wrapped, "context"); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "wrong-value") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	tries := func() (n uint32) {
		s.with(func(t transport.TPM) (err error) { n, err = property(t, tpm2.TPMPTLockoutCounter); return err })
		return n
	}
	wrong := s.argument("0", "wrong-value")
	first := mustOpenTPM(t, wrong)
	unwrap(first, "the TPM refused the authorisation value: give the right one and start again")
	unwrap(first, "the TPM refused the authorisation value")
	if n := tries(); n != 1 {
		t.Errorf("%d tries after one process", n)
	}
	for range 4 {
		_, _ = mustOpenTPM(t, wrong).Unwrap(t.Context(), wrapped, "context")
	}
	if n := tries(); n != 2 { // the TPM locks itself after three
		t.Errorf("%d tries after five processes", n)
	}
	unwrap(mustOpenTPM(t, wrong), "the TPM has one try left before it locks itself")
	unwrap(root, "run tpm2_dictionarylockout --clear-lockout")

	s.with(func(t transport.TPM) error { return spendTry(t, wrapped) })
	unwrap(root, "the TPM is locked after wrong authorisation values")
	s.with(func(t transport.TPM) error {
		// TPM2_DictionaryAttackLockReset with an empty password (TPM 2.0 Library, part 3, section 25.2)
		_, err := t.Send([]byte("\x80\x02\x00\x00\x00\x1b\x00\x00\x01\x39\x40\x00\x00\x0a\x00\x00\x00\x09\x40\x00\x00\x09\x00\x00\x00\x00\x00"))
		return err
	})
	expect(t, root, "")
}

// spendTry sends a wrong authorisation value as another program would.
func spendTry(t transport.TPM, wrapped []byte) error {
	srk, err := loadStorageKey(t)
	if err != nil {
		return err
	}
	size := int(wrapped[1])<<8 | int(wrapped[2])
	blob, ok := parseTPMBlob(wrapped[envelopeHeader : envelopeHeader+size])
	if !ok {
		return errors.New("the blob is not of a TPM")
	}
	if _, err := blob.unseal(t, srk, []byte("wrong")); err == nil {
		return errors.New("a wrong value opens it")
	}
	return flush(t, srk.handle)
}

// A TPM that is missing, silent, or another one, is an error with its remedy.
func TestTPMFaults(t *testing.T) {
	s := newSoftTPM(t)
	argument := s.argument("0,7", testAuth)
	root := mustOpenTPM(t, argument)
	s.Kill()
	expect(t, root, "check that the machine has a TPM 2.0")
	if _, err := openTPM(argument, nil); err == nil || !strings.Contains(err.Error(), "check that the machine has a TPM 2.0") {
		t.Error(err)
	}
	silent, err := net.Listen("unix", s.Socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := root.Wrap(ctx, []byte("secret"), "context"); err == nil {
		t.Error("a silent TPM answers")
	}
	silent.Close()
	s.Start()
	expect(t, root, "")
	s.Kill()
	if err := errors.Join(os.RemoveAll(s.State), os.Mkdir(s.State, 0o700)); err != nil {
		t.Fatal(err)
	}
	s.Start()
	expect(t, root, "is another TPM now, or was cleared")
	notTPM := write(t, "text")
	if _, err := openTPM(notTPM+"?pcrs=0&auth="+notTPM, nil); err == nil {
		t.Error("a file is a TPM")
	}
}

// A listener is a probe on the bus between Keyhold and a TPM: it records the bytes.
type listener struct {
	mu   sync.Mutex
	text []byte
}

func (l *listener) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	return len(p), nil
}

// The bus between processor and TPM shows neither the key nor the authorisation value.
func TestTPMBus(t *testing.T) {
	s := newSoftTPM(t)
	bus := filepath.Join(filepath.Dir(s.Socket), "bus")
	probe := &listener{}
	proxy, err := net.Listen("unix", bus)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	go func() {
		for {
			near, err := proxy.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", s.Socket)
			if err != nil {
				return
			}
			go func() { io.Copy(io.MultiWriter(far, probe), near); far.Close() }()
			io.Copy(io.MultiWriter(near, probe), far)
			near.Close()
		}
	}()
	root := mustOpenTPM(t, bus+"?pcrs=0&auth="+write(t, testAuth))
	device := root.(envelope).device.(*tpmCustody)
	key := bytes.Repeat([]byte("a key, no text. "), 2)
	wrapped, err := device.wrapKey(t.Context(), key, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := device.unwrapKey(t.Context(), wrapped, ""); err != nil || !bytes.Equal(got, key) {
		t.Fatal(got, err)
	}
	probe.mu.Lock()
	defer probe.mu.Unlock()
	if len(probe.text) < 1000 {
		t.Errorf("the probe heard %d bytes", len(probe.text))
	}
	for name, secret := range map[string][]byte{"key": key[:16], "secret": []byte(testAuth), "authorisation value": device.auth[:16]} {
		if bytes.Contains(probe.text, secret) {
			t.Errorf("the bus shows the %s", name)
		}
	}
}

func TestArgumentsOfATPM(t *testing.T) {
	for argument, want := range map[string]string{
		"":                                 "give tpm:/dev/tpmrm0?pcrs=0,7&auth=",
		"/dev/tpmrm0":                      "pcrs= is not a list",
		"/dev/tpmrm0?pcrs=0":               "path, pcrs= and auth= are all needed",
		"?pcrs=0&auth=x":                   "path, pcrs= and auth= are all needed",
		"/dev/tpmrm0?pcrs=24&auth=x":       "pcrs=24 is not a list of different numbers from 0 to 23",
		"/dev/tpmrm0?pcrs=1,1&auth=x":      "pcrs=1,1 is not a list",
		"/dev/tpmrm0?pcrs=1,&auth=x":       "pcrs=1, is not a list",
		"/dev/tpmrm0?pcrs=-1&auth=x":       "pcrs=-1 is not a list",
		"/dev/tpmrm0?pcrs=1&auth=x&a":      "it has an unknown parameter",
		"/dev/tpmrm0?pcrs=1&pcrs=2&auth=x": "it has an unknown parameter, or has one twice",
		"/dev/tpmrm0?pcrs=1&auth=%zz":      "give tpm:",
	} {
		if _, _, err := parseTPM(argument); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", argument, err)
		}
	}
	k, place, err := parseTPM("/dev/tpmrm0?pcrs=7,0,23&auth=credential:tpm")
	if err != nil || place != "credential:tpm" || len(k.pcrs) != 3 || k.pcrs[0] != 0 || k.pcrs[2] != 23 || k.ID() != "tpm:unknown" {
		t.Errorf("%v, %s, %v", k, place, err)
	}
	if _, err := createTPM("/no/tpm?pcrs=0&auth="+write(t, "1234567"), nil); err == nil || !strings.Contains(err.Error(), "has 7 bytes: give at least 8") {
		t.Error(err)
	}
}

// A blob that is cut off anywhere is refused before the TPM sees it.
func TestTPMBlobs(t *testing.T) {
	b := tpmBlob{pcrs: []uint{0, 23}, values: [][]byte{make([]byte, 32), bytes.Repeat([]byte{1}, 32)}, public: []byte("public"), private: []byte("private")}
	text := b.encode()
	got, ok := parseTPMBlob(text)
	if !ok || !bytes.Equal(got.encode(), text) || string(got.private) != "private" || !bytes.Equal(got.digest(), b.digest()) {
		t.Errorf("%v, %v", got, ok)
	}
	for n := range text {
		if _, ok := parseTPMBlob(text[:n]); ok {
			t.Errorf("%d bytes are accepted", n)
		}
	}
	if _, ok := parseTPMBlob(append(text, 0)); ok {
		t.Error("a byte more is accepted")
	}
}
