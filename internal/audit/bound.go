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

// The largest lines, in bytes. What was refused, and what nobody signed, gets less
// room: anybody can send as much of it as they like.
const (
	maxAccepted = 64 << 10
	maxRefused  = 8 << 10
)

// The types of Identity of requests that nobody signed, and of those whose signature
// was refused. Source: "CloudTrail userIdentity element".
const (
	WebIdentityUser = "WebIdentityUser"
	Unknown         = "Unknown"
)

// maxStamp is more than a stamp has that is added to a line later, in bytes.
const maxStamp = 64

// most returns how many bytes the line of e may have before it is stamped.
func (e *Event) most() int {
	if e.ErrorCode != "" || e.UserIdentity.Type == WebIdentityUser || e.UserIdentity.Type == Unknown {
		return maxRefused - maxStamp
	}
	return maxAccepted - maxStamp
}

// steps make an event shorter whose line has some bytes too many. They are taken one
// after the other until the line fits. After all of them every line does, if its
// texts are short too.
var steps = []func(e *Event, over int){
	func(e *Event, over int) { e.replace(over, isDocument, inBase64) },
	func(e *Event, over int) { e.replace(over, isNoDocument, notKept) },
	func(e *Event, over int) { e.replace(over, isDocument, notKept) },
	func(e *Event, _ int) { e.dropObjects() },
	func(e *Event, _ int) { e.Resources = e.Resources[:min(4, len(e.Resources))] },
}

// shortened returns the line of e in place of one that is too long.
func (e Event) shortened(line []byte) []byte {
	most := e.most()
	for _, step := range steps {
		step(&e, len(line)-most)
		if line = e.encode(line[:0], longTexts); len(line) <= most {
			return line
		}
	}
	return e.encode(line[:0], shortTexts)
}

// isDocument reports whether a parameter is a policy or has policies. A change keeps
// documents when nothing else is kept.
func isDocument(name string) bool {
	return slices.Contains([]string{"policy", "document", "trust", "policies"}, name)
}

func isNoDocument(name string) bool { return !isDocument(name) }

// inBase64 returns a text in base64 (RFC 4648, section 4), which is shorter where most
// of the characters are escaped in JSON.
func inBase64(value jsontext.Value) jsontext.Value {
	if value.Kind() != jsontext.KindString {
		return value
	}
	return fmt.Appendf(nil, `{"base64":"%s"}`, base64.StdEncoding.EncodeToString(own(value)))
}

// notKept returns the length and the SHA-256 of a value: of a text those of its own
// bytes, of all others those of its JSON.
func notKept(value jsontext.Value) jsontext.Value {
	text := own(value)
	return fmt.Appendf(nil, `{"notKept":{"bytes":%d,"sha256":"%x"}}`, len(text), sha256.Sum256(text))
}

func own(value jsontext.Value) []byte {
	if value.Kind() != jsontext.KindString {
		return value
	}
	text, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return value
	}
	return text
}

// A part is a member of one of the objects of an event.
type part struct {
	of   map[string]jsontext.Value
	name string
}

func (p part) size() int { return len(p.of[p.name]) }

// replace replaces the values of some parts, the largest first, until nothing is over.
// A value that would become longer stays.
func (e *Event) replace(over int, chosen func(name string) bool, by func(jsontext.Value) jsontext.Value) {
	var objects [4]map[string]jsontext.Value
	var parts []part
	for i, text := range e.objects() {
		if json.Unmarshal(*text, &objects[i]) != nil {
			continue // the event has none
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

// objects are the members of e that are JSON already.
func (e *Event) objects() [4]*[]byte {
	return [4]*[]byte{&e.RequestParameters, &e.ResponseElements, &e.AdditionalEventData, &e.ServiceEventDetails}
}

func (e *Event) dropObjects() {
	for _, text := range e.objects() {
		if *text != nil {
			*text = notKept(*text)
		}
	}
}
