package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/keyhold/keyhold/internal/server"
	"github.com/keyhold/keyhold/internal/tracing"
)

// openTracer returns the maker of spans, or nil if the environment does not ask for traces.
func openTracer(ctx context.Context, log *slog.Logger) (*tracing.Tracer, error) {
	t, err := tracing.New(ctx, os.Getenv, programVersion(), log)
	if invalid, ok := errors.AsType[tracing.SettingError](err); ok {
		return nil, usageError{invalid}
	}
	return t, err
}

// traceBy returns the Trace of a Handler, or nil without a Tracer.
func traceBy(t *tracing.Tracer) server.Trace {
	if t == nil {
		return nil
	}
	return func(parent, state string) server.Span { return requestSpan{t.Begin(parent, state)} }
}

// A requestSpan is a span that ends with the outcome of a request.
type requestSpan struct{ *tracing.Span }

func (s requestSpan) End(o server.Outcome) { s.Span.End(tracing.Result(o)) }
