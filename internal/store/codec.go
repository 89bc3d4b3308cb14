package store

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// A Codec encodes values as bytes and decodes them.
type Codec[T any] interface {
	Encode(T) ([]byte, error)
	Decode([]byte) (T, error)
}

// JSON returns a Codec that encodes a T as JSON. Equal values have equal encodings. Decoding rejects members
// that T does not have, so an older version of the program fails instead of dropping what a newer one wrote. It
// also rejects duplicate members and invalid UTF-8.
func JSON[T any]() Codec[T] { return jsonCodec[T]{} }

type jsonCodec[T any] struct{}

func (jsonCodec[T]) Encode(v T) ([]byte, error) {
	return json.Marshal(v, json.Deterministic(true))
}

func (jsonCodec[T]) Decode(data []byte) (v T, err error) {
	if err := json.Unmarshal(data, &v, json.RejectUnknownMembers(true)); err != nil {
		return *new(T), withoutValue(err)
	}
	return v, nil
}

// withoutValue returns an error that describes where decoding failed, without the values, which the errors of
// package json quote.
func withoutValue(err error) error {
	semantic, ok := errors.AsType[*json.SemanticError](err)
	switch {
	case !ok:
		return errors.New("not valid JSON")
	case errors.Is(err, json.ErrUnknownName):
		return fmt.Errorf("unknown member %q: written by a newer version of the program?", semantic.JSONPointer)
	}
	return fmt.Errorf("JSON at %q does not fit %v", semantic.JSONPointer, semantic.GoType)
}
