package console

import (
	"slices"
	"strconv"
	"strings"
)

// contentPolicy returns the Content-Security-Policy of the console. The page runs its own scripts alone, cannot make
// markup from text (Trusted Types without any policy), and talks to its own server and to the issuers alone. Images
// are its icon.
func contentPolicy(issuers []Issuer) string {
	connect := []string{"'self'"}
	for _, i := range issuers {
		for _, origin := range i.origins() {
			if !slices.Contains(connect, origin) {
				connect = append(connect, origin)
			}
		}
	}
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self'",
		"connect-src " + strings.Join(connect, " "),
		"require-trusted-types-for 'script'",
		"trusted-types",
		"frame-ancestors 'none'",
		"base-uri 'none'",
		"form-action 'none'",
	}, "; ")
}

// header returns the fields that every response has.
func (s *Site) header() [][2]string {
	return [][2]string{
		{"Content-Security-Policy", s.policy},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"X-Frame-Options", "DENY"}, // for browsers that do not know frame-ancestors
	}
}

// matches reports whether an If-None-Match field has a tag (RFC 9110, section 13.1.2).
func matches(field, tag string) bool {
	for each := range strings.SplitSeq(field, ",") {
		if each = strings.TrimSpace(each); each == "*" || strings.TrimPrefix(each, "W/") == tag {
			return true
		}
	}
	return false
}

// accepts reports whether an Accept-Encoding field names a coding, and not with the weight 0 (RFC 9110, section
// 12.5.3).
func accepts(field, coding string) bool {
	for each := range strings.SplitSeq(field, ",") {
		name, weight, weighted := strings.Cut(each, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		text, _ := strings.CutPrefix(strings.TrimSpace(weight), "q=")
		q, err := strconv.ParseFloat(text, 64)
		return !weighted || err == nil && q > 0
	}
	return false
}
