package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/kmstest"
)

// An importBench runs imports against a server, and notes their requests.
type importBench struct {
	t        *testing.T
	options  importOptions
	requests []string // the operations of the KMS API that were called
}

func newImportBench(t *testing.T) *importBench {
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_ACCESS_KEY_ID", devAccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", devSecret)
	b := &importBench{t: t}
	server, err := url.Parse(kmstest.Start(t).Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(server)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "TrentService."); ok {
			b.requests = append(b.requests, operation)
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	b.options = importOptions{
		client:       clientOptions{endpoint: proxy.URL, region: kmstest.Region},
		expiry:       expiry{never: true},
		output:       output{form: formText, w: io.Discard},
		wrappingSpec: "RSA_2048",
	}
	return b
}

// run runs an import, and returns its requests.
func (b *importBench) run(ref string, change func(o *importOptions)) (*importRun, string) {
	b.t.Helper()
	b.requests = nil
	r := &importRun{importOptions: b.options, ref: ref, progress: printer{b.t.Output()}}
	change(&r.importOptions)
	for _, step := range r.steps() {
		if err := step(context.Background()); err != nil {
			b.t.Fatal(err)
		}
	}
	return r, strings.Join(b.requests, " ")
}

// An import describes the key once before it changes something, and once after the import.
func TestRequestsOfAnImport(t *testing.T) {
	b := newImportBench(t)
	file := func(name string) string { return filepath.Join(t.TempDir(), name) }
	original, second, parameters, wrapped := file("original"), file("second"), file("parameters"), file("wrapped")
	for _, c := range []struct {
		name, want string
		change     func(o *importOptions)
	}{
		{"a dry run of a new key", "DescribeKey",
			func(o *importOptions) { o.create, o.dryRun, o.source.generate = true, true, original }},
		{"a new key", "DescribeKey CreateKey CreateAlias GetParametersForImport ImportKeyMaterial DescribeKey Encrypt",
			func(o *importOptions) { o.create, o.source.generate = true, original }},
		{"a dry run", "DescribeKey",
			func(o *importOptions) { o.dryRun, o.source.from = true, original }},
		{"again", "DescribeKey GetParametersForImport ImportKeyMaterial DescribeKey Encrypt",
			func(o *importOptions) { o.source.from = original }},
		{"new material", "DescribeKey GetParametersForImport ImportKeyMaterial DescribeKey ListKeyRotations",
			func(o *importOptions) { o.newMaterial, o.source.generate = true, second }},
		{"a rotation", "DescribeKey GetParametersForImport ImportKeyMaterial DescribeKey ListKeyRotations RotateKeyOnDemand Encrypt",
			func(o *importOptions) { o.rotate, o.source.from = true, second }},
		{"the first half", "DescribeKey GetParametersForImport",
			func(o *importOptions) { o.parametersFile = parameters }},
	} {
		if _, got := b.run("alias/payments", c.change); got != c.want {
			t.Errorf("%s: requests %s, want %s", c.name, got, c.want)
		}
	}
	wrapFile(t, parameters, second, wrapped)
	_, got := b.run("", func(o *importOptions) { o.wrappedFile = wrapped })
	if want := "DescribeKey ImportKeyMaterial DescribeKey"; got != want {
		t.Errorf("the second half: requests %s, want %s", got, want)
	}
}

// wrapFile does what keyhold wrap does.
func wrapFile(t *testing.T, parameters, material, wrapped string) {
	t.Helper()
	read := func(path string) []byte {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	p, err := byok.ParseParameters(read(parameters))
	if err != nil {
		t.Fatal(err)
	}
	w, err := p.Wrap(read(material))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(wrapped, w.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The material is erased when an import ends.
func TestImportErasesMaterial(t *testing.T) {
	b := newImportBench(t)
	path := filepath.Join(t.TempDir(), "original")
	if err := os.WriteFile(path, []byte("0123456789abcdef0123456789abcdeX"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, _ := b.run("alias/payments", func(o *importOptions) { o.create, o.source.from = true, path })
	if len(r.material) != 32 || len(r.source.file.content) != 32 {
		t.Fatalf("%d and %d bytes", len(r.material), len(r.source.file.content))
	}
	r.clear()
	for name, material := range map[string][]byte{"material": r.material, "source": r.source.file.content} {
		if string(material) != string(make([]byte, 32)) {
			t.Errorf("%s: %q is left", name, material)
		}
	}
}
