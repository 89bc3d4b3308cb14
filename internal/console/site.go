// Package console serves the console, a page for browsers: files that are part of the program, under Path.
//
// The page signs its own requests to the KMS API with the credentials of its user. The package therefore has no
// session, no cookie and no access to the service: it does nothing that a server of files does not do.
package console

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// Path is the path of the console. All its files are below it.
const Path = "/console/"

// Config describes what the page learns about its server.
type Config struct {
	// Issuers are the OIDC providers that users can sign in with.
	Issuers []Issuer
	// Remedies are the causes and remedies of errors. The first that matches an error applies.
	Remedies []Remedy
	// Regions returns the Regions that the server serves. If it is nil, the server serves every Region.
	Regions func() []string
	// Region is the Region that the page proposes.
	Region string
	// Dev says that the server is a dev server.
	Dev bool
}

// A Remedy is the cause of an error and what to do. It is for errors with the code whose message contains Part.
type Remedy struct {
	Code string `json:"code"`
	Part string `json:"part"`
	Why  string `json:"why"`
	Do   string `json:"do"`
}

// A Site answers the requests for the console.
type Site struct {
	config   Config
	policy   string // Content-Security-Policy
	version  string // of the files
	files    map[string]*file
	remedies *file
}

// New returns a Site.
func New(c Config) (*Site, error) {
	files, err := readFiles()
	if err != nil {
		return nil, err
	}
	version := versionOf(files)
	index, err := newFile("index.html", bytes.ReplaceAll(files["index.html"].content, []byte("VERSION"), []byte(version)))
	if err != nil {
		return nil, err
	}
	files["index.html"] = index
	remedies, err := jsonFile("remedies.json", c.Remedies)
	if err != nil {
		return nil, err
	}
	return &Site{c, contentPolicy(c.Issuers), version, files, remedies}, nil
}

// A Request is a request for a file of the console. Target is the path with its query.
type Request struct {
	Method, Target string
	IfNoneMatch    string
	AcceptEncoding string
}

// A Response is the response to a Request. Body must not be changed.
type Response struct {
	Status      int
	ContentType string
	Header      [][2]string // besides Content-Type
	Body        []byte
}

// Serves reports whether the Site answers requests for a target.
func (s *Site) Serves(target string) bool {
	path, _, _ := strings.Cut(target, "?")
	return path == strings.TrimSuffix(Path, "/") || strings.HasPrefix(path, Path)
}

// Answer answers a request that the Site serves.
func (s *Site) Answer(r Request) Response {
	path, _, _ := strings.Cut(r.Target, "?")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return s.plain(http.StatusMethodNotAllowed, [2]string{"Allow", "GET, HEAD"})
	case path == strings.TrimSuffix(Path, "/"):
		return s.plain(http.StatusPermanentRedirect, [2]string{"Location", Path})
	}
	name, current := s.cutVersion(strings.TrimPrefix(path, Path))
	f, err := s.find(name)
	switch {
	case err != nil:
		return s.plain(http.StatusInternalServerError)
	case f == nil:
		return s.plain(http.StatusNotFound)
	}
	return s.answerFile(f, r, current && f == s.files[name])
}

// cutVersion returns the name of a file without the version before it, and reports whether the version is the one of
// this server. While a deployment is upgraded, a node also answers the requests of pages of another version.
func (s *Site) cutVersion(name string) (file string, current bool) {
	version, file, found := strings.Cut(name, "/")
	if !found || !strings.HasPrefix(version, versionPrefix) {
		return name, false
	}
	return file, version == s.version
}

// find returns a file, or nil if there is none with the name.
func (s *Site) find(name string) (*file, error) {
	switch name {
	case "":
		return s.files["index.html"], nil
	case "remedies.json":
		return s.remedies, nil
	case "settings.json":
		return jsonFile(name, s.settings())
	}
	return s.files[name], nil
}

// settings returns what the page reads when it starts. Everybody can read them.
func (s *Site) settings() any {
	out := struct {
		Dev     bool     `json:"dev"`
		Issuers []Issuer `json:"issuers"`
		Region  string   `json:"region"`
		Regions []string `json:"regions"` // none: every Region
	}{s.config.Dev, append([]Issuer{}, s.config.Issuers...), s.config.Region, []string{}}
	if s.config.Regions != nil {
		out.Regions = s.config.Regions()
	}
	return out
}

// answerFile answers with a file, or says that the browser has it. The browser keeps a file whose address names the
// current version, and asks again for all others.
func (s *Site) answerFile(f *file, r Request, current bool) Response {
	keep := "no-cache"
	if current {
		keep = "public, max-age=31536000, immutable"
	}
	out := Response{Status: http.StatusOK, ContentType: f.contentType, Header: s.header()}
	out.Header = append(out.Header, [2]string{"Cache-Control", keep}, [2]string{"ETag", f.tag},
		[2]string{"Vary", "Accept-Encoding"})
	switch {
	case matches(r.IfNoneMatch, f.tag):
		out.Status = http.StatusNotModified
	case accepts(r.AcceptEncoding, "gzip"):
		out.Header = append(out.Header, [2]string{"Content-Encoding", "gzip"})
		out.Body = f.compressed()
	default:
		out.Body = f.content
	}
	return out
}

// plain returns a response without a file.
func (s *Site) plain(status int, more ...[2]string) Response {
	return Response{
		Status: status, ContentType: "text/plain; charset=utf-8",
		Header: append(append(s.header(), [2]string{"Cache-Control", "no-store"}), more...),
		Body:   fmt.Appendln(nil, http.StatusText(status)),
	}
}
