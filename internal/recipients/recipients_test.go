package recipients

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
)

// A pair is an identity and its recipient.
type pair struct {
	ids []Identity
	to  Recipient
}

func newPair(t *testing.T, kind string) pair {
	t.Helper()
	var identity []byte
	var text string
	if kind == "age" {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		identity, text = []byte(id.String()), id.Recipient().String()
	} else {
		made, r, err := Generate(kind)
		if err != nil {
			t.Fatal(err)
		}
		identity, text = made, r.Text()
	}
	ids, err := ParseIdentities(append([]byte("# of a test\n\n"), identity...), nil)
	if err != nil {
		t.Fatal(err)
	}
	to, err := Parse(text)
	if err != nil || to.Text() != text || to.Approved() == (kind == "age") {
		t.Fatalf("%s: %+v, %v", text, to, err)
	}
	return pair{ids, to}
}

func sealTo(t *testing.T, plain []byte, to ...Recipient) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := Seal(&file, to...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func open(file []byte, with ...Identity) ([]byte, error) {
	r, err := Open(bytes.NewReader(file), with...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Files of all sizes open for each of their recipients alone.
func TestSealedFiles(t *testing.T) {
	for _, kind := range append(Kinds(), "age") {
		one, two, other := newPair(t, kind), newPair(t, kind), newPair(t, kind)
		for _, size := range []int{0, 1, 100, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize} {
			plain := bytes.Repeat([]byte("abc"), size/3+1)[:size]
			file := sealTo(t, plain, one.to, two.to)
			if !IsSealed(file) || size > 50 && bytes.Contains(file, plain[:50]) {
				t.Errorf("%s, %d bytes: not sealed", kind, size)
			}
			for _, p := range []pair{one, two} {
				if got, err := open(file, append(other.ids, p.ids...)...); err != nil || !bytes.Equal(got, plain) {
					t.Errorf("%s, %d bytes: %d bytes, %v", kind, size, len(got), err)
				}
			}
			for _, ids := range [][]Identity{nil, other.ids} {
				if _, err := open(file, ids...); !errors.Is(err, ErrOther) {
					t.Errorf("%s, somebody else: %v", kind, err)
				}
			}
		}
		text, err := SealText([]byte("hello"), one.to)
		if got, failed := open(text, one.ids...); err != nil || failed != nil || string(got) != "hello" {
			t.Errorf("%s: %q, %v, %v", kind, got, err, failed)
		}
		if !IsSealed(text) || strings.IndexFunc(string(text), func(r rune) bool { return r > '~' }) >= 0 {
			t.Errorf("%q", text)
		}
	}
}

// A changed file does not open: its header, a chunk, the order and the number of chunks. The bytes that were read before
// the damage are right.
func TestDamagedFiles(t *testing.T) {
	p, other := newPair(t, "p256"), newPair(t, "p256")
	plain := bytes.Repeat([]byte("0123456789"), 3*chunkSize/10)
	file := sealTo(t, plain, p.to, other.to)
	body := bytes.Index(file, []byte("\n\n")) + 2
	const sealedChunk = chunkSize + overhead
	chunk := func(n int) []byte { return file[body+n*sealedChunk : min(len(file), body+(n+1)*sealedChunk)] }
	for name, damaged := range map[string][]byte{
		"nothing":             {},
		"header alone":        file[:body],
		"half a header":       file[:body/2],
		"no end of header":    file[:body-1],
		"one recipient less":  append(append([]byte(format), file[bytes.LastIndex(file[:body-2], []byte("\n"))+1:body]...), file[body:]...),
		"one chunk less":      file[:body+2*sealedChunk],
		"a byte less":         file[:len(file)-1],
		"a byte more":         append(bytes.Clone(file), 0),
		"first chunk missing": append(bytes.Clone(file[:body]), file[body+sealedChunk:]...),
		"swapped chunks":      bytes.Join([][]byte{file[:body], chunk(1), chunk(0), chunk(2)}, nil),
		"doubled chunk":       bytes.Join([][]byte{file[:body], chunk(0), chunk(0), chunk(1), chunk(2)}, nil),
		"long line":           append([]byte(format), bytes.Repeat([]byte("x"), 10*maxLine)...),
		"endless recipients":  append([]byte(format), bytes.Repeat([]byte("recipient: p256 AAAA\n"), 1000)...),
	} {
		if got, err := open(damaged, p.ids...); err == nil || !bytes.HasPrefix(plain, got) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	for at := 0; at < len(file); at += 1 + at/40 {
		damaged := bytes.Clone(file)
		damaged[at] ^= 1
		if got, err := open(damaged, p.ids...); err == nil || !bytes.HasPrefix(plain, got) {
			t.Fatalf("a flipped bit at %d: %d bytes, %v", at, len(got), err)
		}
	}
	text, err := SealText([]byte("hello"), p.to)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"no end":      text[:len(text)-10],
		"more":        append(bytes.Clone(text), "x"...),
		"another one": append(bytes.Clone(text), text...),
		"too long":    append(bytes.Clone(text), bytes.Repeat([]byte(" "), maxText)...),
	} {
		if _, err := open(damaged, p.ids...); name != "too long" && err == nil {
			t.Errorf("text with %s is opened", name)
		}
	}
}

var errWrite = errors.New("no space")

// A failing writer takes a number of writes.
type failing struct{ takes int }

func (f *failing) Write(p []byte) (int, error) {
	if f.takes--; f.takes < 0 {
		return 0, errWrite
	}
	return len(p), nil
}

func TestSealRefuses(t *testing.T) {
	hpke, old := newPair(t, "p256"), newPair(t, "age")
	many := make([]Recipient, MaxRecipients+1)
	for i := range many {
		many[i] = hpke.to
	}
	for want, to := range map[string][]Recipient{
		"not 0": nil, "not 33": many, "not both": {hpke.to, old.to},
	} {
		if _, err := Seal(io.Discard, to...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, takes := range []int{0, 1} { // writes: the header, and the first chunk
		w, err := Seal(&failing{takes}, hpke.to)
		if err == nil {
			_, err = w.Write(make([]byte, 2*chunkSize))
			if again := w.Close(); again == nil {
				t.Error("a file that could not be written is closed")
			}
		}
		if !errors.Is(err, errWrite) {
			t.Errorf("after %d writes: %v", takes, err)
		}
	}
	w, err := Seal(io.Discard, hpke.to)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("a closed file takes bytes")
	}
	if err := w.Close(); err == nil {
		t.Error("a file is closed twice")
	}
}

func TestParse(t *testing.T) {
	secret, r, err := Generate("p256")
	if err != nil {
		t.Fatal(err)
	}
	line := r.Text()
	point := make([]byte, 65)
	point[0] = 4
	for text, want := range map[string]string{
		line[:len(line)-1]:                        "", // the length, or the checksum
		line[:20] + "x" + line[21:]:               "checksum",
		"hpke-p256":                               "no colon",
		"hpke-p256:":                              "base64url",
		"hpke-p521:AAAA":                          `"p521" is not a kind`,
		strings.Replace(line, "p256", "p384", 1):  "checksum",
		"hpke-p256:" + encodeKey("p256", point):   "not a public key",
		"hpke-p256:" + encodeKey("p256", nil):     "base64url",
		string(secret[:len(secret)-1]):            "secret identity",
		"AGE-SECRET-KEY-1XXXX":                    "secret identity",
		"alice":                                   "form is unknown",
		"hpke-p256:" + strings.Repeat("A", 1<<20): "checksum",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), string(secret[20:40])) {
			t.Errorf("%.80q: %v, want %q", text, err, want)
		}
	}
	if _, err := ParseFile([]byte(line+"\n# x\n"+line), 5); err == nil || !strings.Contains(err.Error(), "lines 1 and 3") {
		t.Error(err)
	}
	if _, _, err := Generate("p521"); err == nil {
		t.Error("an identity of an unknown kind")
	}
}

func TestIdentities(t *testing.T) {
	secret, _, err := Generate("mlkem768")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", "hello", "AGE-SECRET-KEY-1XXXX", "-----BEGIN CERTIFICATE-----\n", "-----BEGIN AGE ENCRYPTED FILE-----\n",
		string(secret[:len(secret)-3]), "HPKE-SECRET-P256:XXXX",
		"HPKE-SECRET-P256:" + encodeKey("p256", make([]byte, 32)), "HPKE-SECRET-P256:" + base64.RawURLEncoding.EncodeToString(make([]byte, 36)),
	} {
		ids, err := ParseIdentities([]byte(text), nil)
		if ids != nil || err == nil || strings.Contains(err.Error(), "XXXX") || strings.Contains(err.Error(), string(secret[30:50])) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
