package custody

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/custody/helper"
	"github.com/keyhold/keyhold/internal/programtest"
	"github.com/keyhold/keyhold/internal/seal"
)

const (
	softHSM = "/usr/lib/softhsm/libsofthsm2.so"
	testPIN = "pin-8c1f07e2"
)

// A softToken is a folder with tokens of SoftHSM, and a folder in PATH that has keyhold-pkcs11.
type softToken struct {
	t         *testing.T
	tokens    string // the folder
	program   string // keyhold-pkcs11 in PATH
	pin, args string // the file with the PIN; the query of a URI
}

func needTool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%v: run make deps", err)
	}
}

// newSoftToken makes the token keyhold, and builds keyhold-pkcs11.
func newSoftToken(t *testing.T) *softToken {
	t.Helper()
	needTool(t, "softhsm2-util")
	needTool(t, "pkcs11-tool")
	needTool(t, "gcc")
	t.Setenv("CGO_ENABLED", "1")
	dir := t.TempDir()
	s := &softToken{t: t, tokens: filepath.Join(dir, "tokens"), program: filepath.Join(dir, "bin", helperName), pin: write(t, testPIN+"\n")}
	for _, folder := range []string{s.tokens, filepath.Dir(s.program)} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(programtest.Build(t, "../../pkcs11", "."), s.program); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+s.tokens+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	t.Setenv("PATH", filepath.Dir(s.program)+":"+os.Getenv("PATH"))
	s.args = "?module-path=" + softHSM + "&x-env=SOFTHSM2_CONF&pin-source=" + s.pin
	s.makeToken("keyhold")
	return s
}

func (s *softToken) run(name string, args ...string) string {
	s.t.Helper()
	out, err := exec.CommandContext(s.t.Context(), name, args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

func (s *softToken) makeToken(label string) {
	s.t.Helper()
	s.run("softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "security-officer", "--pin", testPIN)
}

// replace puts a shell script in place of keyhold-pkcs11, until the function that it returns is called. $REAL is the
// path of the program.
func (s *softToken) replace(script string) (restore func()) {
	s.t.Helper()
	real := s.program + ".real"
	text := "#!/bin/sh\nREAL=" + real + "\n" + script + "\n"
	if err := errors.Join(os.Rename(s.program, real), os.WriteFile(s.program, []byte(text), 0o700)); err != nil {
		s.t.Fatal(err)
	}
	return func() {
		if err := os.Rename(real, s.program); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *softToken) open(path string) (seal.Root, error) { return openPKCS11(path+s.args, nil) }

func (s *softToken) create(path string) seal.Root {
	s.t.Helper()
	root, err := createPKCS11(path+s.args, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return root
}

// expect proves a custody and checks the text of the error.
func expect(t *testing.T, root seal.Root, want string) {
	t.Helper()
	err := Prove(t.Context(), root)
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%v, want %q", err, want)
	}
	if err != nil && strings.Contains(err.Error(), testPIN) {
		t.Errorf("the error has the PIN: %v", err)
	}
}

func pkcs11Sample(t *testing.T) sample {
	s := newSoftToken(t)
	return sample{
		one: Spec{"pkcs11", "token=keyhold;object=one" + s.args},
		two: Spec{"pkcs11", "token=keyhold;object=two" + s.args},
	}
}

func TestPKCS11(t *testing.T) {
	s := newSoftToken(t)
	root := s.create("token=keyhold;object=root")
	expect(t, root, "")

	t.Run("the key stays on the token", func(t *testing.T) {
		out := s.run("pkcs11-tool", "--module", softHSM, "--login", "--pin", testPIN, "--token-label", "keyhold", "-O", "--type", "secrkey")
		for _, want := range []string{"AES length 32", "label:      root", "sensitive, always sensitive, never extractable"} {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in %s", want, out)
			}
		}
		s.create("token=keyhold;object=root") // uses the key that exists
		if n := strings.Count(s.run("pkcs11-tool", "--module", softHSM, "--login", "--pin", testPIN, "--token-label", "keyhold", "-O"), "label:      root"); n != 1 {
			t.Errorf("%d keys", n)
		}
	})

	t.Run("what is missing", func(t *testing.T) {
		for path, want := range map[string]string{
			"token=other;object=root":                   "has this token: plug the token in, or check its name",
			"token=keyhold;object=other":                "does not have the key: check the name of the key",
			"token=keyhold;object=root;id=%01":          "does not have the key",
			"token=keyhold;serial=0;object=root":        "has this token",
			"token=keyhold;model=SoftHSM%20v2;id=%ff":   "does not have the key",
			"token=keyhold;manufacturer=Other;object=a": "has this token",
		} {
			r, err := s.open(path)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, r, want)
		}
		r, err := openPKCS11("token=keyhold;object=root?module-path=/no/such.so&pin-source="+s.pin, nil)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, r, "the library /no/such.so cannot be loaded: check module-path")
		if r, err = openPKCS11("token=keyhold;object=root?x-env=SOFTHSM2_CONF&module-path="+softHSM, nil); err != nil {
			t.Fatal(err)
		}
		expect(t, r, "the token needs a PIN: give the place of the PIN in pin-source=")
	})

	t.Run("two tokens of one label", func(t *testing.T) {
		s.makeToken("twin")
		s.makeToken("twin")
		_, err := createPKCS11("token=twin;object=root"+s.args, nil)
		if err == nil || !strings.Contains(err.Error(), "add serial=NUMBER of the right one") {
			t.Fatal(err)
		}
		_, numbers, _ := strings.Cut(err.Error(), "serial numbers ")
		serial, _, _ := strings.Cut(numbers, ",")
		expect(t, s.create("token=twin;serial="+serial+";object=root"), "")
	})

	t.Run("the token is removed", func(t *testing.T) {
		if err := os.Rename(s.tokens, s.tokens+".away"); err != nil {
			t.Fatal(err)
		}
		expect(t, root, "the token of pkcs11:token=keyhold;object=root: ")
		if err := os.Rename(s.tokens+".away", s.tokens); err != nil {
			t.Fatal(err)
		}
		expect(t, root, "")
	})

	t.Run("a wrong PIN is sent once", func(t *testing.T) {
		right := s.args
		defer func() { s.args = right }()
		s.args = strings.Replace(s.args, s.pin, write(t, "wrong-pin\n"), 1)
		wrong, err := s.open("token=keyhold;object=root")
		if err != nil {
			t.Fatal(err)
		}
		expect(t, wrong, "give the right PIN and start again; Keyhold does not send this PIN again")
		restore := s.replace("echo x >>" + s.tokens + ".calls; exec $REAL")
		expect(t, wrong, "give the right PIN and start again")
		if _, err := os.Stat(s.tokens + ".calls"); err == nil {
			t.Error("the PIN was sent again")
		}
		restore()
		expect(t, root, "")
	})

	t.Run("an RSA pair", func(t *testing.T) {
		s.run("pkcs11-tool", "--module", softHSM, "--login", "--pin", testPIN, "--token-label", "keyhold", "--keypairgen", "--key-type", "rsa:2048", "--label", "pair", "--usage-decrypt")
		pair, err := s.open("token=keyhold;object=pair")
		if err != nil {
			t.Fatal(err)
		}
		expect(t, pair, "")
		wrapped, err := pair.Wrap(t.Context(), []byte("secret"), "context")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := pair.Unwrap(t.Context(), wrapped, "context"); err != nil || string(got) != "secret" {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := pair.Unwrap(t.Context(), wrapped, "other"); !errors.Is(err, seal.ErrOpen) {
			t.Error(err)
		}
		for at := range 8 {
			damaged := bytes.Clone(wrapped)
			damaged[at*len(wrapped)/8] ^= 1
			if _, err := pair.Unwrap(t.Context(), damaged, "context"); !errors.Is(err, seal.ErrOpen) {
				t.Errorf("byte %d: %v", at*len(wrapped)/8, err)
			}
		}
	})
	t.Run("faults of the program", func(t *testing.T) { testHelperFaults(t, s, root) })
}

// A crash is repeated after a pause. A program that does not answer is killed. The library gets no more of the
// environment than it needs, and the program no secrets in its arguments.
func testHelperFaults(t *testing.T, s *softToken, root seal.Root) {
	crash := s.replace(`f=` + s.tokens + `.crashed; if [ -e $f ]; then rm $f; exec $REAL; fi; touch $f; kill -SEGV $$`)
	expect(t, root, "") // each operation crashes once
	crash()
	crash = s.replace("kill -9 $$")
	expect(t, root, "keyhold-pkcs11 crashed in the library of the vendor (signal: killed)")
	crash()
	for script, want := range map[string]string{
		`exit 0`:                       "its answer is cut off",
		`echo '{"Data":"AA'`:           "its answer is cut off",
		`head -c 70000 /dev/zero`:      "crashed",
		`echo '{"Fault":"new"}'`:       "gave an answer that is unknown here",
		`exec $REAL --flag </dev/null`: "crashed in the library of the vendor (exit status 2)",
	} {
		restore := s.replace(script)
		expect(t, root, want)
		restore()
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
	seen := s.tokens + ".seen"
	restore := s.replace(fmt.Sprintf(`tr '\0' '\n' </proc/$$/environ >%s; tr '\0' '\n' </proc/$$/cmdline >>%[1]s; ls /proc/$$/fd | wc -l >>%[1]s; exec $REAL`, seen))
	expect(t, root, "")
	restore()
	text, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "a-secret") || strings.Contains(string(text), testPIN) || !strings.Contains(string(text), "SOFTHSM2_CONF=") {
		t.Errorf("%s", text)
	}
	ctx, cancel := context.WithCancel(t.Context())
	restore = s.replace("exec sleep 600")
	cancel()
	if _, err := root.Wrap(ctx, []byte("secret"), "context"); err == nil {
		t.Error("no error")
	}
	restore()
	if err := os.Remove(s.program); err != nil {
		t.Fatal(err)
	}
	expect(t, root, "install it in the folder of keyhold")
	if _, err := s.open("token=keyhold;object=root"); err == nil || !strings.Contains(err.Error(), "is neither in the folder of keyhold nor in PATH") {
		t.Error(err)
	}
}

func TestPKCS11URI(t *testing.T) {
	const module = "module-path=/lib/x.so"
	for text, want := range map[string]string{
		"token=a;object=b?" + module:                            "pkcs11:token=a;object=b",
		"object=b;token=a;serial=1?pin-source=prompt&" + module: "pkcs11:token=a;object=b",
		"token=a%20b;id=%01%FF?" + module:                       "pkcs11:token=a%20b;id=%01%FF",
		"serial=12;object=b?" + module:                          "pkcs11:object=b",
	} {
		u, err := parsePKCS11(text)
		if err != nil || u.id() != want || u.module != "/lib/x.so" {
			t.Errorf("%s: %v, %v", text, u, err)
		}
	}
	u, err := parsePKCS11("token=a;object=b?pin-source=file:/p&x-env=A,B_2&" + module)
	if err != nil || u.pin != "/p" || strings.Join(u.pass, " ") != "A B_2" || u.token != (helper.Token{Label: "a"}) {
		t.Errorf("%v, %v", u, err)
	}
	for text, want := range map[string]string{
		"":                                       "it names no token",
		"object=b?" + module:                     "it names no token",
		"token=a?" + module:                      "it names no key",
		"token=a;object=b":                       "it needs the absolute path",
		"token=a;object=b?module-path=x.so":      "it needs the absolute path",
		"token=a;token=b;object=b?" + module:     "the attribute token occurs twice",
		"token=a;slot-id=3;object=b?" + module:   "the attribute slot-id is not supported",
		"token=a;object=%zz?" + module:           "the attribute object has no value",
		"token=a;object=?" + module:              "the attribute object has no value",
		"token=a;object=b%00?" + module:          "the attribute object has no value",
		"token=a;object=b?module-name=x":         "the attribute module-name is not supported",
		"token=a;object=b?x-env=A=b&" + module:   "not the name of an environment variable",
		"token=a;object=b?pin-value=1&" + module: "would show the PIN to every user",
	} {
		if _, err := parsePKCS11(text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "give pkcs11:token=") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := parsePKCS11("token=a;object=b?pin-value=" + testPIN); err == nil || strings.Contains(err.Error(), testPIN) {
		t.Error(err)
	}
}
