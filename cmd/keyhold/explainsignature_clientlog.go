package main

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

// A canonical is a canonical request, taken apart.
type canonical struct {
	method, path, query string
	headers             []header
	signed, payload     string

	hash string // the hexadecimal SHA-256 of the text as it was found
}

// A header is one of a canonical request: its name is in lower case.
type header struct{ name, value string }

// A toSign is a string to sign, taken apart.
type toSign struct{ date, scope, hash string }

// A signedText is what one side signed. The string to sign may not be known.
type signedText struct {
	canonical canonical
	toSign    *toSign
}

var (
	// The method may stand behind a word of the logger, and in quotes.
	methodForm    = regexp.MustCompile(`(?:^|[\s:'"])(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$`)
	headerForm    = regexp.MustCompile("^([0-9a-z!#$%&'*+.^_`|~-]+):(.*)$")
	payloadForm   = regexp.MustCompile(`^([0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-[0-9A-Z-]+)['"]*$`)
	algorithmForm = regexp.MustCompile(`(?:^|[\s:'"])AWS4-HMAC-SHA256$`)
	dateForm      = regexp.MustCompile(`^\d{8}T\d{6}Z$`)
	scopeForm     = regexp.MustCompile(`^\d{8}/[^/\s]+/[^/\s]+/aws4_request$`)
	hashForm      = regexp.MustCompile(`^([0-9a-f]{64})['"]*$`)
)

// findSigned finds in a client's log the canonical request that was signed
// at the date, or else the last one. It looks at the form only, because every SDK logs
// in its own words.
func findSigned(log, date string) (s signedText, ok bool) {
	var canonicals []canonical
	var strs []toSign
	if !strings.Contains(log, "\nhost:") { // a logger that writes each record on a line
		log = strings.ReplaceAll(log, `\n`, "\n")
	}
	lines := strings.Split(strings.ReplaceAll(log, "\r\n", "\n"), "\n")
	for i, line := range lines {
		if m := methodForm.FindStringSubmatch(line); m != nil {
			if c, ok := parseCanonical(m[1], lines[i+1:]); ok {
				canonicals = append(canonicals, c)
			}
		}
		if algorithmForm.MatchString(line) {
			if t, ok := parseToSign(lines[i+1:]); ok {
				strs = append(strs, t)
			}
		}
	}
	if len(canonicals) == 0 {
		return signedText{}, false
	}
	s.canonical = lastOr(canonicals, func(c canonical) bool { return c.header("x-amz-date") == date })
	if i := slices.IndexFunc(strs, func(t toSign) bool { return t.hash == s.canonical.hash }); i >= 0 {
		s.toSign = &strs[i]
	}
	return s, true
}

// lastOr returns the last that is wanted or, failing that, the last of all.
func lastOr[T any](all []T, wanted func(T) bool) T {
	for _, one := range slices.Backward(all) {
		if wanted(one) {
			return one
		}
	}
	return all[len(all)-1]
}

// parseCanonical reads a canonical request from the lines after its method. Only
// if the list of signed headers names the headers above it is it one.
func parseCanonical(method string, lines []string) (c canonical, ok bool) {
	if len(lines) < 5 || !strings.HasPrefix(lines[0], "/") {
		return c, false
	}
	c = canonical{method: method, path: lines[0], query: lines[1]}
	var names []string
	i := 2
	for ; i < len(lines) && lines[i] != ""; i++ {
		m := headerForm.FindStringSubmatch(lines[i])
		if m == nil {
			return c, false
		}
		c.headers = append(c.headers, header{m[1], m[2]})
		names = append(names, m[1])
	}
	if i+2 >= len(lines) {
		return c, false
	}
	m := payloadForm.FindStringSubmatch(lines[i+2])
	if m == nil || lines[i+1] != strings.Join(names, ";") {
		return c, false
	}
	c.signed, c.payload = lines[i+1], m[1]
	sum := sha256.Sum256([]byte(strings.Join(append(append([]string{method}, lines[:i+2]...), c.payload), "\n")))
	c.hash = hex.EncodeToString(sum[:])
	return c, true
}

// parseToSign reads a string to sign from the lines after its algorithm.
func parseToSign(lines []string) (t toSign, ok bool) {
	if len(lines) < 3 || !dateForm.MatchString(lines[0]) || !scopeForm.MatchString(lines[1]) {
		return t, false
	}
	m := hashForm.FindStringSubmatch(lines[2])
	if m == nil {
		return t, false
	}
	return toSign{lines[0], lines[1], m[1]}, true
}

// header returns the value of a header, "" where there is none.
func (c canonical) header(name string) string {
	i := slices.IndexFunc(c.headers, func(h header) bool { return h.name == name })
	if i < 0 {
		return ""
	}
	return c.headers[i].value
}
