package server_test

import (
	"bytes"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/keyhold/keyhold/kmstest"
)

// changing matches the parts of a response that differ each time.
var changing = regexp.MustCompile(
	`[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// exchange writes text to a server and returns all bytes of its responses until the server closes the connection,
// with Unix line ends, and DATE and ID in place of dates and request IDs.
func exchange(t *testing.T, endpoint, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(timeout))
	go io.WriteString(c, text) // the server may refuse to read all of it
	b, err := io.ReadAll(c)
	if err != nil && !closed(err) {
		t.Error(err)
	}
	return changing.ReplaceAllStringFunc(strings.ReplaceAll(string(b), "\r\n", "\n"), func(s string) string {
		if strings.HasSuffix(s, "GMT") {
			return "DATE"
		}
		return "ID"
	})
}

// wireText returns a signed request as it is sent, with additional header lines that are not signed.
func wireText(t *testing.T, s *kmstest.Server, l testRequest, lines string) string {
	t.Helper()
	var b bytes.Buffer
	if err := l.request(t, s).Write(&b); err != nil {
		t.Fatal(err)
	}
	return strings.Replace(b.String(), "\r\n", "\r\n"+lines, 1)
}

// Responses are the same, byte for byte, as in testdata/responses.txtar.
func TestResponses(t *testing.T) {
	s := kmstest.Start(t)
	list, identity := rootRequest(), stsRequest("Action=GetCallerIdentity&Version=2011-06-15")
	created, err := s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	enable, missing := rootRequest(), rootRequest()
	enable.target, enable.body = "TrentService.EnableKey", `{"KeyId":"`+*created.KeyMetadata.KeyId+`"}`
	missing.target, missing.body = enable.target, `{"KeyId":"alias/missing"}`
	large, larger := rootRequest(), strings.Repeat("x", 1<<20)
	large.body = strings.Repeat(" ", 128<<10+1)
	const last = "Connection: close\r\n"
	requests := map[string]string{
		"a success":                      wireText(t, s, list, last),
		"two requests on a connection":   wireText(t, s, list, "") + wireText(t, s, list, last),
		"a success without a body":       wireText(t, s, enable, last),
		"an error":                       wireText(t, s, missing, last),
		"a success of STS":               wireText(t, s, identity, last),
		"an error of STS":                wireText(t, s, stsRequest("Action=None&Version=2011-06-15"), last),
		"no signature":                   "POST / HTTP/1.1\r\nHost: a\r\n" + last + "Content-Length: 2\r\n\r\n{}",
		"HTTP/1.0":                       "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.0 on an open connection": "POST / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nPOST / HTTP/1.0\r\n\r\n",
		"HEAD":                           "HEAD / HTTP/1.1\r\nHost: a\r\n" + last + "\r\n",
		"OPTIONS":                        "OPTIONS * HTTP/1.1\r\nHost: a\r\n" + last + "\r\n",
		"100-continue":                   "POST / HTTP/1.1\r\nHost: a\r\n" + last + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
		"a body above the limit":         wireText(t, s, large, last),
		"a body that is not read":        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n" + larger,
		"a large header":                 "POST / HTTP/1.1\r\nHost: a\r\nX-Large: " + larger[:16<<10] + "\r\n\r\n",
		"a folded line":                  "POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: Trent\r\n Service\r\nContent-Length: 0\r\n\r\n",
		"the coding identity":            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
		"too many fields":                "POST / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: 1\r\n", 100) + "\r\n",
		"no HTTP":                        "no HTTP\r\n\r\n",
		"a web page of another host":     "POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 2\r\n\r\n{}",
		"HEAD of a web page":             "HEAD / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n",
		"a web page of this host":        "POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n" + last + "Content-Length: 2\r\n\r\n{}",
	}
	file, err := txtar.ParseFile("testdata/responses.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range file.Files {
		want := strings.TrimSuffix(string(f.Data), "\n")
		if got := exchange(t, s.Endpoint, requests[f.Name]); got != want {
			t.Errorf("-- %s --\n%s\nwant\n%s", f.Name, got, want)
		}
		delete(requests, f.Name)
	}
	for name, text := range requests {
		t.Errorf("no expected response\n-- %s --\n%s", name, exchange(t, s.Endpoint, text))
	}
}
