package main

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
)

// s3 is the part of S3 that stores an object with its metadata: PUT and GET of /BUCKET/KEY. The bucket
// is a folder next to the other folders of the run. Signatures are not verified.
type s3 struct{ folder string }

func (s s3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := s.serve(w, r)
	if errors.Is(err, fs.ErrNotExist) {
		http.Error(w, err.Error(), http.StatusNotFound)
	} else if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (s s3) serve(w http.ResponseWriter, r *http.Request) error {
	file := filepath.Join(s.folder, filepath.Clean("/"+r.URL.Path))
	switch r.Method {
	case http.MethodPut:
		return put(w, r, file)
	case http.MethodGet:
		return get(w, file)
	}
	w.WriteHeader(http.StatusNotImplemented)
	return nil
}

func put(w http.ResponseWriter, r *http.Request, file string) error {
	var body io.Reader = r.Body
	if strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") {
		// HTTP/1.1 chunks, whose extensions are signatures.
		body = httputil.NewChunkedReader(r.Body)
	}
	object, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	metadata := map[string]string{}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			metadata[strings.ToLower(name)] = r.Header.Get(name)
		}
	}
	text, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".metadata", text, 0o600); err != nil {
		return err
	}
	w.Header().Set("ETag", `"object"`)
	return os.WriteFile(file, object, 0o600)
}

func get(w http.ResponseWriter, file string) error {
	object, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file + ".metadata")
	if err != nil {
		return err
	}
	metadata := map[string]string{}
	if err := json.Unmarshal(text, &metadata); err != nil {
		return err
	}
	for name, value := range metadata {
		w.Header()[name] = []string{value} // in lower case: clients compare the names of metadata exactly
	}
	w.Header().Set("ETag", `"object"`)
	_, err = w.Write(object)
	return err
}
