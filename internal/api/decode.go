package api

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The limits of a body: nested containers, and values in total. Real requests stay far below them. Without
// limits, a small body could cause much work and a long list of validation errors.
const (
	maxDepth  = 32
	maxValues = 1000
)

// maxResponseValues is the limit of values in a response. A page of a list has far more than any request, and at most
// 1,000 elements.
const maxResponseValues = 200_000

// A reason describes the error in a body. The set of reasons is fixed, so that messages and logs contain nothing
// of the body.
type reason string

const (
	reasonSyntax    reason = "malformed JSON"
	reasonDuplicate reason = "a duplicate member"
	reasonType      reason = "a value of the wrong type"
	reasonBlob      reason = "a blob that is not canonical base64"
	reasonTime      reason = "a time that is not a number of seconds in the years 1 to 9999"
	reasonNull      reason = "a null inside a list or map"
	reasonObject    reason = "not a JSON object"
	reasonDepth     reason = "too many levels"
	reasonValues    reason = "too many values"
)

func (r reason) Error() string { return string(r) }

// A SyntaxError means that Decode rejects a body. Its text contains nothing of the body and may be sent to the
// client.
type SyntaxError struct {
	Reason string // one of a fixed set of reasons
	Offset int64  // offset of the error in bytes
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("request body: %s at byte %d", e.Reason, e.Offset)
}

// strict adds checks to the library, which already rejects duplicate members, invalid UTF-8, lone surrogates,
// trailing data, and names in another case. It holds no state but the library's cache of types.
var strict = json.WithUnmarshalers(json.JoinUnmarshalers(
	json.UnmarshalFromFunc(decodeBlob),
	refuseNull[string](), refuseNull[Tag](),
))

// strictWithoutNull is strict for a body that contains no null, and takes half the time.
var strictWithoutNull = json.WithUnmarshalers(json.UnmarshalFromFunc(decodeBlob))

// Decode decodes body, a JSON object, into a zero request. It ignores members that the type lacks,
// because newer clients may send them. A null member counts as absent. The error is a *SyntaxError.
func Decode(body []byte, into any) error {
	return decode(body, into, maxValues)
}

// DecodeResponse decodes a response into a zero value, like Decode, but with more values. The caller bounds the size of
// the body; without a limit of values, a hostile server could let a small body take much memory.
func DecodeResponse(body []byte, into any) error { return decode(body, into, maxResponseValues) }

func decode(body []byte, into any, most int) error {
	if err := measure(body, most); err != nil {
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

// Encode encodes a request or response. Equal values have equal encodings.
func Encode(v any) ([]byte, error) {
	return json.Marshal(v, deterministic)
}

// measure rejects a body that is not an object, that is too deep, or that has more than most values, before anything is
// built from it.
// It counts brackets and commas outside of strings, which is exact for valid JSON. The decoder rejects anything
// else.
func measure(body []byte, most int) error {
	if start := bytes.TrimLeft(body, " \t\r\n"); len(start) == 0 || start[0] != '{' {
		return &SyntaxError{string(reasonObject), int64(len(body) - len(start))}
	}
	if opening := bytes.Count(body, []byte{'{'}) + bytes.Count(body, []byte{'['}); opening <= maxDepth &&
		opening+bytes.Count(body, []byte{','}) <= most {
		return nil // even if all of these bytes are outside of strings
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
		if values > most {
			return &SyntaxError{string(reasonValues), int64(i)}
		}
	}
	return nil
}

// stringEnd returns the offset of the closing quote of the string that begins at i, or an offset beyond the
// body.
func stringEnd(body []byte, i int) int {
	for i++; i < len(body) && body[i] != '"'; i++ {
		if body[i] == '\\' {
			i++
		}
	}
	return i
}

// decodeBlob decodes a blob. It rejects line breaks and nonzero trailing bits, as RFC 4648, sections 3.3 and
// 3.5, allows, so that each blob has only one encoding.
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

// refuseNull rejects null where a T is not behind a pointer, which is inside a list or map. There null cannot
// mean "absent", and reading it as a zero value would silently change an encryption context.
func refuseNull[T any]() *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(dec *jsontext.Decoder, _ *T) error {
		if dec.PeekKind() == jsontext.KindNull {
			return reasonNull
		}
		return errors.ErrUnsupported // fall back to the default
	})
}

// syntaxError keeps the offset and the kind of err, and drops its text, which quotes the body.
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
