package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestS3 stores an object from signed chunks in the stub, with its metadata.
func TestS3(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "vault"), 0o700); err != nil {
		t.Fatal(err)
	}
	stub := httptest.NewServer(s3{folder})
	defer stub.Close()
	request := func(method, body string, header http.Header) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, stub.URL+"/vault/object", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = header
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		return answer
	}
	if got := request("GET", "", http.Header{}).StatusCode; got != http.StatusNotFound {
		t.Errorf("GET of no object: expected 404, got %d", got)
	}
	chunks := "3;chunk-signature=00\r\nabc\r\n2;chunk-signature=11\r\nde\r\n0;chunk-signature=22\r\nx-amz-checksum-crc32:00\r\n\r\n"
	header := http.Header{"Content-Encoding": {"aws-chunked"}, "X-Amz-Meta-Room": {"archive"}}
	if got := request("PUT", chunks, header).StatusCode; got != http.StatusOK {
		t.Errorf("PUT: expected 200, got %d", got)
	}
	answer := request("GET", "", http.Header{})
	object, err := io.ReadAll(answer.Body)
	if err != nil || string(object) != "abcde" || answer.Header.Get("X-Amz-Meta-Room") != "archive" {
		t.Errorf("expected abcde of the room archive, got %q, %v, %v", object, answer.Header, err)
	}
	if got := request("DELETE", "", http.Header{}).StatusCode; got != http.StatusNotImplemented {
		t.Errorf("DELETE: expected 501, got %d", got)
	}
}
