package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func newSite(t *testing.T, c Config) *Site {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// field returns the values of a field of a response.
func (r Response) field(name string) (all []string) {
	for _, f := range r.Header {
		if f[0] == name {
			all = append(all, f[1])
		}
	}
	return all
}

// targets has a row for each request: whether the Site serves the target, the method, the target, the status.
const targets = `
yes GET  /console/                     200
yes GET  /console/?code=1&state=2      200
yes HEAD /console/                     200
yes GET  /console/index.html           200
yes GET  /console/app.js               200
yes GET  /console/lib/sign.js?x        200
yes GET  /console/vendor/preact.js     200
yes GET  /console/settings.json        200
yes GET  /console/v-other/app.js       200
yes GET  /console/v-other/             200
yes GET  /console/v-other/none.js      404
yes GET  /console/v-other/v-other/app.js 404
yes GET  /console/v-app.js             404
yes GET  /console/remedies.json        200
yes GET  /console                      308
yes GET  /console?x                    308
yes GET  /console/lib                  404
yes GET  /console/lib/                 404
yes GET  /console/static/app.js        404
yes GET  /console/../site.go           404
yes GET  /console/%61pp.js             404
yes GET  /console//app.js              404
yes POST /console/                     405
yes PUT  /console/app.js               405
yes OPTIONS /console/                  405
no  GET  /                             -
no  POST /                             -
no  GET  /consoles                     -
no  GET  /CONSOLE/                     -
no  GET  //console/                    -
no  GET  /?/console/                   -
`

func TestTargets(t *testing.T) {
	s := newSite(t, Config{})
	for line := range strings.Lines(strings.TrimSpace(targets)) {
		f := strings.Fields(line)
		if s.Serves(f[2]) != (f[0] == "yes") {
			t.Errorf("%s: served: %v", f[2], s.Serves(f[2]))
		}
		if f[0] != "yes" {
			continue
		}
		r := s.Answer(Request{Method: f[1], Target: f[2]})
		if want := map[string]int{"200": 200, "308": 308, "404": 404, "405": 405}[f[3]]; r.Status != want {
			t.Errorf("%s %s: %d, not %d", f[1], f[2], r.Status, want)
		}
	}
}

// Every response has the headers that protect the page, also a refusal.
func TestHeaders(t *testing.T) {
	s := newSite(t, Config{Issuers: []Issuer{{"https://login.example.org/a", "x", []string{"https://oauth2.example.org"}},
		{"https://login.example.org/b", "y", nil}, {"http://127.0.0.1:1", "z", nil}}})
	want := [][2]string{
		{"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
			"connect-src 'self' https://login.example.org https://oauth2.example.org http://127.0.0.1:1; require-trusted-types-for 'script'; trusted-types; " +
			"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
	}
	for _, r := range []Request{
		{Method: "GET", Target: Path}, {Method: "GET", Target: Path + "app.js"}, {Method: "GET", Target: Path + "none"},
		{Method: "POST", Target: Path}, {Method: "GET", Target: "/console"}, {Method: "GET", Target: Path, IfNoneMatch: "*"},
	} {
		answer := s.Answer(r)
		for _, field := range want {
			if got := answer.field(field[0]); len(got) != 1 || got[0] != field[1] {
				t.Errorf("%v: %s: %q", r, field[0], got)
			}
		}
	}
}

// A browser that has a file gets no second copy, and a file that changed has another tag.
func TestCaching(t *testing.T) {
	s := newSite(t, Config{})
	first := s.Answer(Request{Method: "GET", Target: Path + "app.js"})
	tag := first.field("ETag")[0]
	for _, field := range []string{tag, `"other", ` + tag, "W/" + tag, "*"} {
		if r := s.Answer(Request{Method: "GET", Target: Path + "app.js", IfNoneMatch: field}); r.Status != http.StatusNotModified || r.Body != nil {
			t.Errorf("%s: %d, %d bytes", field, r.Status, len(r.Body))
		}
	}
	for _, field := range []string{"", `"other"`, tag[:10]} {
		if r := s.Answer(Request{Method: "GET", Target: Path + "app.js", IfNoneMatch: field}); r.Status != http.StatusOK {
			t.Errorf("%q: %d", field, r.Status)
		}
	}
	if other, err := newFile("app.js", append(slices.Clone(first.Body), '\n')); err != nil || other.tag == tag {
		t.Error("a changed file has the same tag", err)
	}
	if got := first.field("Cache-Control"); len(got) != 1 || got[0] != "no-cache" {
		t.Errorf("Cache-Control: %q", got)
	}
}

func TestCompression(t *testing.T) {
	s := newSite(t, Config{})
	plain := s.Answer(Request{Method: "GET", Target: Path + "app.js"})
	for field, compressed := range map[string]bool{
		"": false, "gzip": true, "deflate, GZIP;q=0.5, br": true, "gzip;q=0": false, "gzip; q=0.0": false, "br": false, "x-gzip": false,
		"gzip;q=x": false,
	} {
		r := s.Answer(Request{Method: "GET", Target: Path + "app.js", AcceptEncoding: field})
		if got := r.field("Content-Encoding"); (len(got) == 1) != compressed {
			t.Errorf("%q: %q", field, got)
		}
		if !compressed {
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader(r.Body))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(z); err != nil || !bytes.Equal(text, plain.Body) {
			t.Errorf("%q: %v, %d bytes", field, err, len(text))
		}
	}
}

// budget is the most that all files of the console may have together, compressed.
const budget = 150 << 10

func TestBudget(t *testing.T) {
	s := newSite(t, Config{})
	sum := 0
	for _, f := range s.files {
		sum += len(f.compressed())
	}
	if t.Logf("%d files have %d bytes", len(s.files), sum); sum > budget {
		t.Errorf("the files have %d bytes, which is more than %d", sum, budget)
	}
}

// vendored has the SHA-256 of the files of others. TestVendored in the module browser compares them with the packages
// of the npm registry.
const vendored = `
vendor/htm.js              ab33dd3f38059b9be4d5f5350128eefb2356639c4e0bbe9d9e8b3ba75847e9e4
vendor/htm-licence.txt     740725f7252e750af735d0028cc534970772f513331e9f68150fede8fb3ce00f
vendor/hooks.js            5c65ab263688d0805862fd0807c779af02c2799c44fda0873dfcb870d0da70a0
vendor/preact.js           225d7a773766e6fb2cfcc45274fe41d2059f5782f3f2c4569aa5132a2d3a2902
vendor/preact-licence.txt  1fe6958409c8c257a70c587a18b6f7f412b179b456630790d30b2ec9a8e4b7d4
`

func TestVendoredFiles(t *testing.T) {
	s := newSite(t, Config{})
	sums := map[string]string{}
	for line := range strings.Lines(strings.TrimSpace(vendored)) {
		f := strings.Fields(line)
		sums[f[0]] = f[1]
	}
	for name, f := range s.files {
		if !strings.HasPrefix(name, "vendor/") {
			continue
		}
		if sum := sha256.Sum256(f.content); hex.EncodeToString(sum[:]) != sums[name] {
			t.Errorf("%s has the SHA-256 %x", name, sum)
		}
		delete(sums, name)
	}
	if len(sums) > 0 {
		t.Errorf("missing: %v", sums)
	}
}

// Scripts and styles come from files of the console alone: nothing is inline, and nothing is from elsewhere.
func TestNothingFromElsewhere(t *testing.T) {
	s := newSite(t, Config{})
	for name, f := range s.files {
		text := string(f.content)
		for _, part := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
			"createPolicy", "localStorage", "indexedDB", "document.cookie", "dangerouslySetInnerHTML"} {
			if part == "localStorage" && name == "lib/pins.js" {
				continue // keeps public keys that the user has pinned
			}
			if strings.Contains(text, part) && !strings.HasPrefix(name, "vendor/") {
				t.Errorf("%s contains %s", name, part)
			}
		}
		if strings.HasSuffix(name, ".html") && (strings.Contains(text, "<script>") || strings.Contains(text, "style=") || strings.Contains(text, "<style") || strings.Contains(text, "://")) {
			t.Errorf("%s has an inline script or style, or an address of another origin", name)
		}
	}
}

func TestSettings(t *testing.T) {
	s := newSite(t, Config{Region: "eu-west-2", Regions: func() []string { return []string{"eu-west-2"} }, Issuers: []Issuer{{"https://a.example", "b", nil}, {"https://a.example", "c", []string{"https://b.example"}}},
		Remedies: []Remedy{{Code: "E", Part: "p", Why: "w", Do: "d"}}})
	got := string(s.Answer(Request{Method: "GET", Target: Path + "settings.json"}).Body)
	if want := `{"dev":false,"issuers":[{"url":"https://a.example","clientId":"b"},` +
		`{"url":"https://a.example","clientId":"c","origins":["https://b.example"]}],"region":"eu-west-2","regions":["eu-west-2"]}`; got != want {
		t.Errorf("%s", got)
	}
	got = string(s.Answer(Request{Method: "GET", Target: Path + "remedies.json"}).Body)
	if want := `[{"code":"E","part":"p","why":"w","do":"d"}]`; got != want {
		t.Errorf("%s", got)
	}
	empty := newSite(t, Config{Dev: true, Region: "us-east-1"}).Answer(Request{Method: "GET", Target: Path + "settings.json"}).Body
	if want := `{"dev":true,"issuers":[],"region":"us-east-1","regions":[]}`; string(empty) != want || !json.Valid(empty) {
		t.Errorf("%s", empty)
	}
}

// issuers has a row for each text: the URL and the client that it names, or no.
const issuers = `
a@https://login.example.org            https://login.example.org    a
a@b@https://login.example.org:8443/x/  https://login.example.org:8443/x a@b
a@http://127.0.0.1:5556/dex            http://127.0.0.1:5556/dex    a
a@http://localhost                     http://localhost             a
a@http://[::1]:1                       http://[::1]:1               a
https://login.example.org              no
@https://login.example.org             no
a@http://login.example.org             no
a@https://                             no
a@https://u@login.example.org          no
a@https://login.example.org?x          no
a@https://login.example.org#x          no
a@https://x;script-src                 no
a@https://x,y                          no
a@https://*.example.org                no
a@https://'unsafe-inline'              no
a@httpsx://x                           no
a@https://user:hunter2@x               no
`

func TestParseIssuer(t *testing.T) {
	for line := range strings.Lines(strings.TrimSpace(issuers)) {
		f := strings.Fields(line)
		i, err := ParseIssuer(f[0])
		if (err != nil) != (f[1] == "no") || err != nil && strings.Contains(err.Error(), "hunter2") || err == nil && (i.URL != f[1] || i.ClientID != f[2]) {
			t.Errorf("%s: %v, %v", f[0], i, err)
		}
	}
}

// origins has a row for each text with further origins: the origins that the page may connect to, or no.
const origins = `
a@https://x/y https://oauth2.x   = https://x https://oauth2.x
a@https://x   https://b https://c:1 = https://x https://b https://c:1
a@https://x   http://127.0.0.1:1 = https://x http://127.0.0.1:1
a@https://x   y                  = no
a@https://x   https://b/token    = no
a@https://x   https://b/         = no
a@https://x   http://b           = no
a@https://x   https://*.b        = no
a@https://x   https://b;script-src = no
a@https://x   'unsafe-inline'    = no
a@https://x   b@https://y        = no
`

func TestOriginsOfIssuer(t *testing.T) {
	for line := range strings.Lines(strings.TrimSpace(origins)) {
		text, want, _ := strings.Cut(strings.TrimSpace(line), " = ")
		i, err := ParseIssuer(strings.TrimSpace(text))
		if got := strings.Join(i.origins(), " "); (err != nil) != (want == "no") || err == nil && got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
}
