package custody

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/custody/helper"
	"github.com/keyhold/keyhold/internal/custodytest"
	"github.com/keyhold/keyhold/internal/seal"
)

// A softToken is a token of SoftHSM for one test.
type softToken struct {
	*custodytest.Token
	t    *testing.T
	args string // query of a URI
}

func newSoftToken(t *testing.T) *softToken {
	t.Helper()
	s := custodytest.NewToken(t, "../..")
	return &softToken{s, t, s.Query}
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
	if err != nil && strings.Contains(err.Error(), "secret-pin-") {
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
		out := s.Run("pkcs11-tool", "--module", custodytest.SoftHSM, "--login", "--pin", s.PIN, "--token-label", "keyhold", "-O", "--type", "secrkey")
		for _, want := range []string{"AES length 32", "label:      root", "sensitive, always sensitive, never extractable"} {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in %s", want, out)
			}
		}
		s.create("token=keyhold;object=root") // uses the key that exists
		if n := strings.Count(s.Run("pkcs11-tool", "--module", custodytest.SoftHSM, "--login", "--pin", s.PIN, "--token-label", "keyhold", "-O"), "label:      root"); n != 1 {
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
		r, err := openPKCS11("token=keyhold;object=root?module-path=/no/such.so&pin-source="+s.PINFile, nil)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, r, "the library /no/such.so cannot be loaded: check module-path")
		if r, err = openPKCS11("token=keyhold;object=root?x-env=SOFTHSM2_CONF&module-path="+custodytest.SoftHSM, nil); err != nil {
			t.Fatal(err)
		}
		expect(t, r, "the token needs a PIN: give the place of the PIN in pin-source=")
	})

	t.Run("two tokens of one label", func(t *testing.T) {
		s.Make("twin")
		s.Make("twin")
		_, err := createPKCS11("token=twin;object=root"+s.args, nil)
		if err == nil || !strings.Contains(err.Error(), "add serial=NUMBER of the right one") {
			t.Fatal(err)
		}
		_, numbers, _ := strings.Cut(err.Error(), "serial numbers ")
		serial, _, _ := strings.Cut(numbers, ",")
		expect(t, s.create("token=twin;serial="+serial+";object=root"), "")
	})

	t.Run("the token is removed", func(t *testing.T) {
		if err := os.Rename(s.Folder, s.Folder+".away"); err != nil {
			t.Fatal(err)
		}
		expect(t, root, "the token of pkcs11:token=keyhold;object=root: ")
		if err := os.Rename(s.Folder+".away", s.Folder); err != nil {
			t.Fatal(err)
		}
		expect(t, root, "")
	})

	t.Run("a wrong PIN is sent once", func(t *testing.T) {
		right := s.args
		defer func() { s.args = right }()
		s.args = strings.Replace(s.args, s.PINFile, write(t, "wrong-pin\n"), 1)
		wrong, err := s.open("token=keyhold;object=root")
		if err != nil {
			t.Fatal(err)
		}
		expect(t, wrong, "give the right PIN and start again; Keyhold does not send this PIN again")
		restore := s.Replace("echo x >>" + s.Folder + ".calls; exec $REAL")
		expect(t, wrong, "give the right PIN and start again")
		if _, err := os.Stat(s.Folder + ".calls"); err == nil {
			t.Error("the PIN was sent again")
		}
		restore()
		expect(t, root, "")
	})

	t.Run("an RSA pair", func(t *testing.T) {
		s.Run("pkcs11-tool", "--module", custodytest.SoftHSM, "--login", "--pin", s.PIN, "--token-label", "keyhold", "--keypairgen", "--key-type", "rsa:2048", "--label", "pair", "--usage-decrypt")
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
	crash := s.Replace(`f=` + s.Folder + `.crashed; if [ -e $f ]; then rm $f; exec $REAL; fi; touch $f; kill -SEGV $$`)
	expect(t, root, "") // each operation crashes once
	crash()
	crash = s.Replace("kill -9 $$")
	expect(t, root, "keyhold-pkcs11 crashed in the library of the vendor (signal: killed)")
	crash()
	for script, want := range map[string]string{
		`exit 0`:                       "its answer is cut off",
		`echo '{"Data":"AA'`:           "its answer is cut off",
		`head -c 70000 /dev/zero`:      "crashed",
		`echo '{"Fault":"new"}'`:       "gave an answer that is unknown here",
		`exec $REAL --flag </dev/null`: "crashed in the library of the vendor (exit status 2)",
	} {
		restore := s.Replace(script)
		expect(t, root, want)
		restore()
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
	seen := s.Folder + ".seen"
	restore := s.Replace(fmt.Sprintf(`tr '\0' '\n' </proc/$$/environ >%s; tr '\0' '\n' </proc/$$/cmdline >>%[1]s; ls /proc/$$/fd | wc -l >>%[1]s; exec $REAL`, seen))
	expect(t, root, "")
	restore()
	text, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "a-secret") || strings.Contains(string(text), s.PIN) || !strings.Contains(string(text), "SOFTHSM2_CONF=") {
		t.Errorf("%s", text)
	}
	ctx, cancel := context.WithCancel(t.Context())
	restore = s.Replace("exec sleep 600")
	cancel()
	if _, err := root.Wrap(ctx, []byte("secret"), "context"); err == nil {
		t.Error("no error")
	}
	restore()
	if err := os.Remove(s.Program); err != nil {
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
	if _, err := parsePKCS11("token=a;object=b?pin-value=12345678"); err == nil || strings.Contains(err.Error(), "12345678") {
		t.Error(err)
	}
}
