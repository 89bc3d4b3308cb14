package identity

import (
	"fmt"
	"io"
	"log/slog"
)

const hidden = "[redacted]"

// A Secret is a secret access key that prints, logs and marshals as "[redacted]". The zero Secret
// verifies no signature.
type Secret struct {
	// A pointer, because package fmt calls no method of a value that it reaches
	// through an unexported field: it then prints this address.
	text *string
}

// NewSecret returns the Secret with the text.
func NewSecret(text string) Secret { return Secret{&text} }

// String returns "[redacted]".
func (Secret) String() string { return hidden }

// Format writes "[redacted]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON returns "[redacted]" as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// Reveal returns the text, empty in the zero Secret. Only the derivation of signing keys
// needs the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}
