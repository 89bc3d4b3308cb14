package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
)

// The screen has the names of the certificate: a few, of a bounded length, and escaped, because the authority that
// signed the certificate chose them.
func TestStatusShowsCertificateNames(t *testing.T) {
	for _, test := range []struct {
		names []string
		want  string // after the label, or "" for no line
	}{
		{nil, ""},
		{[]string{"kms.example.org", "192.0.2.7"}, "kms.example.org, 192.0.2.7"},
		{[]string{"a", "b", "c", "d", "e"}, "a, b, c, d, e"},
		{slices.Repeat([]string{"a"}, 7), "a, a, a, a, a, and 2 more"},
		{[]string{"a\x1b[2J\nready"}, `a\x1b[2J\nready`},
		{[]string{strings.Repeat("a", 253)}, strings.Repeat("a", 253)},
		{[]string{strings.Repeat("a", 254)}, strings.Repeat("a", 253) + "…"},
	} {
		now := api.NewTimestamp(time.Unix(1e9, 0))
		text := new(strings.Builder)
		err := statusText(api.StatusResponse{Time: now, Certificate: &api.StatusCertificate{Names: test.names}}).writeTo(text)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for line := range strings.Lines(text.String()) {
			if rest, ok := strings.CutPrefix(line, "names "); ok {
				got = strings.TrimSpace(rest)
			}
		}
		if got != test.want {
			t.Errorf("%.40q: %q, want %q", test.names, got, test.want)
		}
	}
}
