package measure

import "context"

// A Span is the span of a request in a trace. Its methods may be called concurrently.
type Span interface {
	// Begin begins a span below this one, for a part of the work. The caller calls end once, with the error of the part.
	Begin(name string) (end func(error))
}

// spanKey is the key of a Span in a context.
type spanKey struct{}

// WithSpan returns a context whose work belongs to the span.
func WithSpan(ctx context.Context, s Span) context.Context {
	return context.WithValue(ctx, spanKey{}, s)
}

// Begin begins a span below the span of ctx, if there is one. Without one, it allocates nothing.
func Begin(ctx context.Context, name string) (end func(error)) {
	if s, ok := ctx.Value(spanKey{}).(Span); ok {
		return s.Begin(name)
	}
	return noEnd
}

func noEnd(error) {}
