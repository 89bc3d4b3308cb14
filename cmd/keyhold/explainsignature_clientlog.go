package main

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

// A canonical is a parsed canonical request.
type canonical struct {
	method, path, query string
	headers             []header
	signed, payload     string

	hash string // the hexadecimal SHA-256 of the text in the log
}

// A header is a header of a canonical request. Its name is in lower case.
type header struct{ name, value string }

// A toSign is a parsed string to sign.
type toSign struct{ date, scope, hash string }

// A signedText is the text that one side signed. toSign is nil if the string to sign is unknown.
type signedText struct {
	canonical canonical
	toSign    *toSign
}

var (
	// The method may follow a word of the logger, or be in quotes.
	methodForm    = regexp.MustCompile(`(?:^|[\s:'"])(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$`)
	headerForm    = regexp.MustCompile("^([0-9a-z!#$%&'*+.^_`|~-]+):(.*)$")
	payloadForm   = regexp.MustCompile(`^([0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-[0-9A-Z-]+)['"]*$`)
	algorithmForm = regexp.MustCompile(`(?:^|[\s:'"])AWS4-HMAC-SHA256$`)
	dateForm      = regexp.MustCompile(`^\d{8}T\d{6}Z$`)
	scopeForm     = regexp.MustCompile(`^\d{8}/[^/\s]+/[^/\s]+/aws4_request$`)
	hashForm      = regexp.MustCompile(`^([0-9a-f]{64})['"]*$`)
)

// findSigned finds in a client's log the canonical request that was signed at the date, or else the
// last canonical request. It recognises the text by its form, because every SDK logs it with other
// words.
func findSigned(log, date string) (s signedText, ok bool) {
	var canonicals []canonical
	var strs []toSign
	if !strings.Contains(log, "\nhost:") { // the logger writes each record on one line
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

// lastOr returns the last element that is wanted, or the last element if none is.
func lastOr[T any](all []T, wanted func(T) bool) T {
	for _, one := range slices.Backward(all) {
		if wanted(one) {
			return one
		}
	}
	return all[len(all)-1]
}

// parseCanonical parses a canonical request from the lines after its method. The lines are a canonical
// request only if the list of signed headers names the headers above it.
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

// parseToSign parses a string to sign from the lines after its algorithm.
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

// header returns the value of a header, or "" if it is missing.
func (c canonical) header(name string) string {
	i := slices.IndexFunc(c.headers, func(h header) bool { return h.name == name })
	if i < 0 {
		return ""
	}
	return c.headers[i].value
}
