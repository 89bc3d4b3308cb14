package sigv4

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A signedWire has the bytes of a valid request, and the service that the request is signed for.
type signedWire struct {
	bytes   []byte
	service string
}

// signedWires returns one valid request of each kind.
func signedWires(t *testing.T) map[string]signedWire {
	t.Helper()
	return map[string]signedWire{
		"an access key":   {sdkWire(t), "kms"},
		"a session":       {encode(t, signer{id: sessionID, secret: sessionSecret, token: sessionToken}, unsignedRequest(body), body), "kms"},
		"the STS API":     {encode(t, signer{service: "sts"}, unsignedForm(), formBody), "sts"},
		"STS, in session": {encode(t, signer{id: sessionID, secret: sessionSecret, token: sessionToken, service: "sts"}, unsignedForm(), formBody), "sts"},
	}
}

const formBody = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fapp&RoleSessionName=build"

func unsignedForm() *http.Request {
	r := unsignedRequest(formBody)
	r.Header.Del("X-Amz-Target")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return r
}

// The test changes every byte of signed requests. A changed request is accepted only if its
// meaning is the same: if it differs in the case of header names, in white space around header
// values, in the length of spaces within them, in the protocol version, or in headers that are
// not signed. KEYHOLD_REQUESTS is the number of changed requests.
func TestMutations(t *testing.T) {
	all, kinds := 80_000, signedWires(t)
	if text := os.Getenv("KEYHOLD_REQUESTS"); text != "" {
		var err error
		if all, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for name, w := range kinds {
		t.Run(name, func(t *testing.T) { testMutations(t, w, (all+len(kinds)-1)/len(kinds)) })
	}
}

func testMutations(t *testing.T, original signedWire, least int) {
	v := NewVerifier(sessionConfig())
	accepts := func(r wireRequest) bool {
		_, err := v.Verify(t.Context(), r.request, r.body, original.service)
		return err == nil
	}
	want, ok := parseMeaning(original.bytes)
	if good, parsed := parseWire(original.bytes); !ok || !parsed || !accepts(good) {
		t.Fatal("the original is refused")
	}
	random := rand.New(rand.NewPCG(4, 2))
	var mutants, parsed, accepted int
	for ; mutants < least; mutants++ {
		mutant := mutate(random, original.bytes, mutants%len(original.bytes))
		r, ok := parseWire(mutant)
		if !ok {
			continue
		}
		parsed++
		if !accepts(r) {
			continue
		}
		accepted++
		if got, ok := parseMeaning(mutant); !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("accepted, with another meaning:\n%q\n%v\n%v", mutant, got, want)
		}
	}
	t.Logf("%d mutants, %d well-formed HTTP, %d accepted that mean the same", mutants, parsed, accepted)
	if parsed < mutants/3 || accepted == 0 {
		t.Error("the mutations test less than they should")
	}
}

// mutate returns a copy of original with one random change at a position.
func mutate(random *rand.Rand, original []byte, at int) []byte {
	m := bytes.Clone(original)
	switch random.IntN(6) {
	case 0:
		m[at] ^= 1 << random.IntN(8)
	case 1:
		m[at] ^= 0x20 // the case of a letter
	case 2:
		m[at] = byte(random.Uint32())
	case 3:
		m = slices.Delete(m, at, at+1)
	case 4:
		m = slices.Insert(m, at, " \t,;=:aA0/"[random.IntN(10)])
	case 5:
		m = slices.Insert(m, at, m[at])
	}
	return m
}

// sdkWire returns the bytes of a valid request of the SDK.
func sdkWire(t *testing.T) []byte {
	t.Helper()
	body := strings.Repeat(`{"KeyId":"alias/example"}`, 20)
	r := unsignedRequest(body)
	r.Header.Set("X-Amz-Note", "a b  c")
	r.Header.Set("X-Amz-Content-Sha256", sha256Hex(body))
	return encode(t, signer{}, r, body)
}

// encode signs a request and returns its bytes.
func encode(t *testing.T, s signer, r *http.Request, body string) []byte {
	t.Helper()
	s.sign(t, r, body)
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// parseMeaning returns the parts of a request that the signature must protect. It parses the
// bytes with another HTTP library than the server.
func parseMeaning(b []byte) (map[string]any, bool) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
	if err != nil {
		return nil, false
	}
	body, err := io.ReadAll(r.Body)
	m := map[string]any{"method": r.Method, "host": r.Host, "url": r.URL.String(), "body": string(body)}
	for name, values := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") || name == "Content-Type" || name == "Content-Length" {
			for _, value := range values {
				m[name] = append([]string{}, strings.Fields(value)...)
			}
		}
	}
	// Spaces in this header have no meaning.
	m["authorization"] = strings.ReplaceAll(strings.Join(r.Header["Authorization"], "\n"), " ", "")
	return m, err == nil
}

// Header lines that an attacker adds to a valid request cannot replace the signed headers.
func TestWireTricks(t *testing.T) {
	original := string(sdkWire(t))
	v := NewVerifier(config())
	start, rest, _ := strings.Cut(original, "\r\n")
	for name, forged := range map[string]string{
		"second target":          start + "\r\nx-amz-target: TrentService.ScheduleKeyDeletion\r\n" + rest,
		"same target again":      start + "\r\nX-AMZ-TARGET: TrentService.DescribeKey\r\n" + rest,
		"second date":            start + "\r\nx-amz-date: 20260101T001000Z\r\n" + rest,
		"second Authorization":   start + "\r\nauthorization: AWS4-HMAC-SHA256\r\n" + rest,
		"second content type":    start + "\r\ncontent-type: text/plain\r\n" + rest,
		"second host":            start + "\r\nHost: kms.example.org\r\n" + rest,
		"second content length":  start + "\r\nContent-Length: 3\r\n" + rest,
		"transfer encoding":      start + "\r\nTransfer-Encoding: chunked\r\n" + rest,
		"unsigned session token": start + "\r\nX-Amz-Security-Token: t\r\n" + rest,
		"folded target":          strings.Replace(original, "TrentService.DescribeKey", "TrentService.DescribeKey\r\n x", 1),
		"host in the target":     strings.Replace(original, "POST / ", "POST http://kms.example.org/ ", 1),
		"query":                  strings.Replace(original, "POST / ", "POST /?X-Amz-Target=TrentService.ScheduleKeyDeletion ", 1),
	} {
		if forged == original {
			t.Errorf("%s: nothing was forged", name)
		}
		if r, ok := parseWire([]byte(forged)); ok {
			if _, err := v.Verify(t.Context(), r.request, r.body, "kms"); err == nil {
				t.Errorf("%s is accepted", name)
			}
		}
	}
}
