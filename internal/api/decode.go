package api

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The largest body that is read: containers inside one another, and values in
// all. Real requests stay far below; without bounds a small body could make much
// work, and a long list of validation errors.
const (
	maxDepth  = 32
	maxValues = 1000
)

// A reason says what is wrong with a body, from this fixed set, so that nothing
// of the body gets into a message or a log.
type reason string

const (
	reasonSyntax    reason = "malformed JSON"
	reasonDuplicate reason = "a member that is there twice"
	reasonType      reason = "a value of the wrong type"
	reasonBlob      reason = "a blob that is not canonical base64"
	reasonTime      reason = "a time that is not a number of seconds in the years 1 to 9999"
	reasonNull      reason = "a null inside a list or map"
	reasonObject    reason = "not a JSON object"
	reasonDepth     reason = "too many levels"
	reasonValues    reason = "too many values"
)

func (r reason) Error() string { return string(r) }

// A SyntaxError says that a body is not one that Decode takes. Its text holds
// nothing of the body and may go on the wire.
type SyntaxError struct {
	Reason string // what is wrong, from a fixed set
	Offset int64  // where, in bytes from the beginning of the body
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("request body: %s at byte %d", e.Reason, e.Offset)
}

// strict adds to what the library refuses by itself: duplicate members, invalid
// UTF-8, lone surrogates, trailing data, names in another case. The value holds
// no more than the library's own cache of types.
var strict = json.WithUnmarshalers(json.JoinUnmarshalers(
	json.UnmarshalFromFunc(decodeBlob),
	refuseNull[string](), refuseNull[Tag](),
))

// strictWithoutNull does the same for a body that has no null, in half the time.
var strictWithoutNull = json.WithUnmarshalers(json.UnmarshalFromFunc(decodeBlob))

// Decode reads body, one JSON object, into a zero request or response. Members
// that the type lacks are ignored, as newer clients send them; a null member is
// an absent one. The error is a *SyntaxError.
func Decode(body []byte, into any) error {
	if err := measure(body); err != nil {
		return err
	}
	how := strictWithoutNull
	if bytes.Contains(body, []byte("null")) {
		how = strict
	}
	if err := json.Unmarshal(body, into, how); err != nil {
		return syntaxError(err)
	}
	return nil
}

var deterministic = json.Deterministic(true)

// Encode writes v, a request or response. Equal values give equal bytes.
func Encode(v any) ([]byte, error) {
	return json.Marshal(v, deterministic)
}

// measure refuses a body that is no object, or is too deep or too full, before
// anything is built from it. It counts brackets and commas outside strings,
// which is exact for JSON; of anything else the decoder makes an error.
func measure(body []byte) error {
	if start := bytes.TrimLeft(body, " \t\r\n"); len(start) == 0 || start[0] != '{' {
		return &SyntaxError{string(reasonObject), int64(len(body) - len(start))}
	}
	if opening := bytes.Count(body, []byte{'{'}) + bytes.Count(body, []byte{'['}); opening <= maxDepth && opening+bytes.Count(body, []byte{','}) <= maxValues {
		return nil // even if none of them is in a string
	}
	depth, values := 0, 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			i = stringEnd(body, i)
		case '{', '[':
			depth++
			values++
		case '}', ']':
			depth--
		case ',':
			values++
		}
		if depth > maxDepth {
			return &SyntaxError{string(reasonDepth), int64(i)}
		}
		if values > maxValues {
			return &SyntaxError{string(reasonValues), int64(i)}
		}
	}
	return nil
}

// stringEnd returns where the string that begins at i has its closing quote, or
// a place beyond the body.
func stringEnd(body []byte, i int) int {
	for i++; i < len(body) && body[i] != '"'; i++ {
		if body[i] == '\\' {
			i++
		}
	}
	return i
}

// decodeBlob reads a blob. RFC 4648 sections 3.3 and 3.5 let a decoder refuse
// line breaks and stray bits in the tail: then a blob has one spelling only.
func decodeBlob(dec *jsontext.Decoder, blob *[]byte) error {
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	switch value.Kind() {
	case jsontext.KindNull:
		*blob = nil
		return nil
	case jsontext.KindString:
	default:
		return reasonType
	}
	text := value[1 : len(value)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		if text, err = jsontext.AppendUnquote(nil, value); err != nil {
			return reasonBlob
		}
	}
	if bytes.IndexByte(text, '\r') >= 0 || bytes.IndexByte(text, '\n') >= 0 {
		return reasonBlob
	}
	decoded := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Strict().Decode(decoded, text)
	if err != nil {
		return reasonBlob
	}
	*blob = decoded[:n:n]
	return nil
}

// refuseNull makes null an error where a T stands by value, which is inside a
// list or a map. There it cannot mean "absent", and read as a zero it would
// change an encryption context without a word.
func refuseNull[T any]() *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(dec *jsontext.Decoder, _ *T) error {
		if dec.PeekKind() == jsontext.KindNull {
			return reasonNull
		}
		return errors.ErrUnsupported // go on as usual
	})
}

// syntaxError keeps the place of err and the class it belongs to, and drops its
// text, which quotes the body.
func syntaxError(err error) *SyntaxError {
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(e, jsontext.ErrDuplicateName) {
			return &SyntaxError{string(reasonDuplicate), e.ByteOffset}
		}
		return &SyntaxError{string(reasonSyntax), e.ByteOffset}
	}
	out := &SyntaxError{Reason: string(reasonType)}
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		out.Offset = e.ByteOffset
	}
	if r, ok := errors.AsType[reason](err); ok {
		out.Reason = string(r)
	}
	return out
}
