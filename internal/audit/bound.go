package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The largest lines, in bytes. Refused requests and requests without a verified signature get less space,
// because anybody can send any number of them.
const (
	maxAccepted = 64 << 10
	maxRefused  = 8 << 10
)

// The Identity types of unsigned requests and of requests whose signature was refused. Source: "CloudTrail
// userIdentity element".
const (
	WebIdentityUser = "WebIdentityUser"
	Unknown         = "Unknown"
)

// maxStamp is the space reserved for the members that Stamp and Recovered add to a line later, in bytes.
const maxStamp = 128

// limit returns the maximum size of the line of e before it is stamped, in bytes.
func (e *Event) limit() int {
	if e.ErrorCode != "" || e.UserIdentity.Type == WebIdentityUser || e.UserIdentity.Type == Unknown {
		return maxRefused - maxStamp
	}
	return maxAccepted - maxStamp
}

// steps shorten an event whose line is over bytes too long. They are applied in order until the line fits.
// After all steps, every line with shortTexts fits.
var steps = []func(e *Event, over int){
	func(e *Event, over int) { e.replace(over, isDocument, asBase64) },
	func(e *Event, over int) { e.replace(over, isOtherParameter, digest) },
	func(e *Event, over int) { e.replace(over, isDocument, digest) },
	func(e *Event, _ int) { e.dropObjects() },
	func(e *Event, _ int) { e.Resources = e.Resources[:min(4, len(e.Resources))] },
}

// shorten returns the line of a shortened event, in place of a line that is too long.
func (e Event) shorten(line []byte) []byte {
	most := e.limit()
	for _, step := range steps {
		step(&e, len(line)-most)
		if line = e.encode(line[:0], longTexts); len(line) <= most {
			return line
		}
	}
	return e.encode(line[:0], shortTexts)
}

// isDocument reports whether a parameter contains policies. The parameters of a change lose these last.
func isDocument(name string) bool {
	return slices.Contains([]string{"policy", "document", "trust", "policies"}, name)
}

func isOtherParameter(name string) bool { return !isDocument(name) }

// asBase64 returns a text in base64 (RFC 4648, section 4), which is shorter than JSON if most characters are
// escaped.
func asBase64(value jsontext.Value) jsontext.Value {
	if value.Kind() != jsontext.KindString {
		return value
	}
	return fmt.Appendf(nil, `{"base64":"%s"}`, base64.StdEncoding.EncodeToString(unquote(value)))
}

// digest returns a value's length and SHA-256. They are computed over the unquoted text if the value is a
// string, and over its JSON otherwise.
func digest(value jsontext.Value) jsontext.Value {
	text := unquote(value)
	return fmt.Appendf(nil, `{"notKept":{"bytes":%d,"sha256":"%x"}}`, len(text), sha256.Sum256(text))
}

func unquote(value jsontext.Value) []byte {
	if value.Kind() != jsontext.KindString {
		return value
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return value
	}
	return text
}

// A part is a member of one of the event's JSON objects.
type part struct {
	of   map[string]jsontext.Value
	name string
}

func (p part) size() int { return len(p.of[p.name]) }

// replace replaces values by shorter ones, the largest first, until the line is no longer over bytes too long.
// Values that would not become shorter stay.
func (e *Event) replace(over int, chosen func(name string) bool, by func(jsontext.Value) jsontext.Value) {
	var objects [4]map[string]jsontext.Value
	var parts []part
	for i, text := range e.objects() {
		if json.Unmarshal(*text, &objects[i]) != nil {
			continue // absent in this event
		}
		for name := range objects[i] {
			if chosen(name) {
				parts = append(parts, part{objects[i], name})
			}
		}
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Or(b.size()-a.size(), strings.Compare(a.name, b.name)) })
	for _, p := range parts {
		if shorter := by(p.of[p.name]); over > 0 && len(shorter) < p.size() {
			over -= p.size() - len(shorter)
			p.of[p.name] = shorter
		}
	}
	for i, text := range e.objects() {
		if objects[i] != nil {
			*text, _ = json.Marshal(objects[i], json.Deterministic(true))
		}
	}
}

// objects returns the members of e that are already JSON.
func (e *Event) objects() [4]*[]byte {
	return [4]*[]byte{&e.RequestParameters, &e.ResponseElements, &e.AdditionalEventData, &e.ServiceEventDetails}
}

func (e *Event) dropObjects() {
	for _, text := range e.objects() {
		if *text != nil {
			*text = digest(*text)
		}
	}
}
