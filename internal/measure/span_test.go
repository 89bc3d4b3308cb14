package measure

import (
	"context"
	"errors"
	"reflect"
	"testing"
)

// notedSpans notes what is begun and ended.
type notedSpans []string

func (n *notedSpans) Begin(name string) func(error) {
	*n = append(*n, "begin "+name)
	return func(err error) { *n = append(*n, "end "+name, err.Error()) }
}

func TestBegin(t *testing.T) {
	var n notedSpans
	ctx, cancel := context.WithCancel(WithSpan(t.Context(), &n))
	defer cancel()
	Begin(ctx, "commit")(errors.New("failed"))
	if want := (notedSpans{"begin commit", "end commit", "failed"}); !reflect.DeepEqual(n, want) {
		t.Errorf("%q", n)
	}
}

// Work that belongs to no span allocates nothing for spans.
func TestBeginWithoutSpan(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if n := testing.AllocsPerRun(1000, func() { Begin(ctx, "commit")(nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
