package server

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/sigv4"
)

// pages has a row for each request: whether it is answered, its host, and the fields that browsers send.
const pages = `
yes  127.0.0.1:4599
yes  kms.us-east-1.amazonaws.com
yes  keyhold:4599
yes  anything.example
yes  localhost:4599               origin=http://localhost:3000
yes  LOCALHOST.:4599              origin=https://localhost
yes  app.localhost:4599           origin=http://app.localhost
yes  127.0.0.1:4599               origin=http://127.0.0.2:8080
yes  [::1]:4599                   origin=http://[::1]:4599
yes  192.0.2.10:4599              origin=http://192.0.2.10:4599
yes  kms.example.org              origin=https://kms.example.org sec-fetch-site=same-origin
yes  KMS.Example.org:443          origin=https://localhost
yes  localhost                    sec-fetch-mode=navigate

no   localhost:4599               origin=http://evil.example
no   localhost:4599               origin=null
no   localhost:4599               origin=
no   localhost:4599               origin=file://
no   localhost:4599               origin=localhost
no   localhost:4599               origin=http://localhost origin=http://evil.example
no   localhost:4599               origin=http://localhost.evil.example
no   localhost:4599               origin=http://evil.example/localhost
no   localhost:4599               origin=http://localhost@evil.example
no   localhost:4599               origin=http://192.0.2.11
no   localhost:4599               origin=http://%zz
no   evil.example:4599            origin=http://evil.example:4599
no   evil.example:4599            origin=http://localhost:4599
no   evil.example:4599            sec-fetch-site=same-origin
no   evil.example:4599            sec-fetch-anything=1
no   localhost.evil.example:4599  origin=http://localhost:4599
no   0.0.0.0:4599                 origin=http://0.0.0.0:4599
no   192.0.2.11:4599              origin=http://192.0.2.11:4599
no   kms.example.org.evil.example origin=https://kms.example.org
no   -                            origin=http://localhost
`

// Requests of web pages from other hosts are refused, whatever name they use for the server.
func TestWebPages(t *testing.T) {
	for line := range strings.Lines(pages) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		var h sigv4.Header
		if f[1] != "-" {
			h = append(h, sigv4.Field{Name: "host", Value: f[1]})
		}
		for _, field := range f[2:] {
			name, value, _ := strings.Cut(field, "=")
			h = append(h, sigv4.Field{Name: name, Value: value})
		}
		admitted := !isFromPage(h) || pageAdmitted(h, netip.MustParseAddr("192.0.2.10"), []string{"kms.example.org"})
		if admitted != (f[0] == "yes") {
			t.Errorf("%s: answered: %v", strings.TrimSpace(line), admitted)
		}
	}
	h := sigv4.Header{{Name: "host", Value: "0.0.0.0"}, {Name: "origin", Value: "http://0.0.0.0"}}
	if pageAdmitted(h, netip.IPv4Unspecified(), nil) {
		t.Error("0.0.0.0 is accepted as an address")
	}
}
