package policy

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A SyntaxError describes an error in a policy and its position.
type SyntaxError struct {
	Line, Column int // starting from 1; a column is a character
	Problem      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

// A reader reads JSON with valid UTF-8 and unique names in objects. Callers ask for one element after the
// other, so the depth of nesting is limited by the grammar of policies.
type reader struct {
	text    string
	decoder *jsontext.Decoder
	place   place // position of the last statement
}

func newReader(text string) *reader {
	return &reader{text, jsontext.NewDecoder(strings.NewReader(text)), start}
}

// A word is a string in a policy and its offset.
type word struct {
	text string
	at   int
}

// fail returns an error at an offset.
func (r *reader) fail(at int, format string, args ...any) error {
	p := start.to(at, r.text)
	return &SyntaxError{p.line, p.column, fmt.Sprintf(format, args...)}
}

// A place is an offset in a text, with its line and column.
type place struct{ at, line, column int }

var start = place{0, 1, 1}

// to returns the place of an offset, which must not be before p.
func (p place) to(at int, text string) place {
	at = min(at, len(text))
	between := text[p.at:at]
	if lines := strings.Count(between, "\n"); lines > 0 {
		p.line, p.column = p.line+lines, 1
		between = between[strings.LastIndexByte(between, '\n')+1:]
	}
	return place{at, p.line, p.column + utf8.RuneCountInString(between)}
}

// at returns the offset of the next token.
func (r *reader) at() int {
	at := int(r.decoder.InputOffset())
	for at < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[at]) >= 0 {
		at++
	}
	return at
}

// token reads a token.
func (r *reader) token() (jsontext.Token, error) {
	t, err := r.decoder.ReadToken()
	if syntactic := (*jsontext.SyntacticError)(nil); errors.As(err, &syntactic) {
		return t, r.fail(int(syntactic.ByteOffset), "%v", syntactic.Err)
	}
	if err != nil {
		return t, r.fail(len(r.text), "the document ends too early")
	}
	return t, nil
}

// end returns an error unless the text ends here.
func (r *reader) end() error {
	if at := r.at(); at < len(r.text) {
		return r.fail(at, "there is text after the policy")
	}
	return nil
}

// object reads an object, and calls member to read each of its members.
func (r *reader) object(what string, member func(name word) error) error {
	at := r.at()
	if t, err := r.token(); err != nil {
		return err
	} else if t.Kind() != jsontext.KindBeginObject {
		return r.fail(at, "%s is not an object", what)
	}
	for {
		at := r.at()
		t, err := r.token()
		if err != nil || t.Kind() == jsontext.KindEndObject {
			return err
		}
		if err := member(word{t.String(), at}); err != nil {
			return err
		}
	}
}

// list reads a single element, or an array of at least one element.
func (r *reader) list(what string, one func() error) error {
	if r.decoder.PeekKind() != jsontext.KindBeginArray {
		return one()
	}
	at := r.at()
	if _, err := r.token(); err != nil {
		return err
	}
	if r.decoder.PeekKind() == jsontext.KindEndArray {
		return r.fail(at, "%s is an empty list", what)
	}
	for r.decoder.PeekKind() != jsontext.KindEndArray {
		if err := one(); err != nil {
			return err
		}
	}
	_, err := r.token()
	return err
}

// word reads a string.
func (r *reader) word(what string) (word, error) {
	at := r.at()
	t, err := r.token()
	if err != nil {
		return word{}, err
	}
	if t.Kind() != jsontext.KindString {
		return word{}, r.fail(at, "%s is not a string", what)
	}
	return word{t.String(), at}, nil
}

// words reads a string or a list of strings.
func (r *reader) words(what string) (all []word, err error) {
	err = r.list(what, func() error {
		w, err := r.word(what)
		all = append(all, w)
		return err
	})
	return all, err
}
