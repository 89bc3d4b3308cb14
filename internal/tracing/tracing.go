// Package tracing sends a span of each request, and spans of its parts below it, to a collector of OpenTelemetry (OTLP
// over HTTP). The standard variables of the environment configure it. The span of a request has the operation, the
// result, the Region and the request ID, and nothing else that a client sent. Nothing waits for the collector: spans
// wait in a bounded queue, and are dropped when it is full.
package tracing

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// The bounds of a Tracer.
const (
	mostState   = 512             // bytes of a tracestate that are kept (W3C Trace Context, section 3.3.1.5)
	closeTime   = 2 * time.Second // for the spans that wait at the end
	warnPeriod  = time.Minute     // between two lines of the log about a collector
	serviceName = "keyhold"
)

// A Tracer makes spans. Its methods may be called concurrently.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	joins    bool
}

// A Result is what a span has of a request. Region may be empty.
type Result struct {
	Operation, Code, Region, RequestID string
	Status                             int // of HTTP
}

// New returns a Tracer as the environment configures it, or nil if the environment asks for no traces. The error of an
// invalid variable is a SettingError. New sets the handler of errors of OpenTelemetry for the whole process.
func New(ctx context.Context, getenv func(string) string, version string, log *slog.Logger) (*Tracer, error) {
	on, err := wanted(getenv)
	if err != nil || !on {
		return nil, err
	}
	if err := check(getenv); err != nil {
		return nil, err
	}
	otel.SetErrorHandler(&complaints{log: log})
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", serviceName), attribute.String("service.version", version),
	), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, err
	}
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))
	return &Tracer{p, p.Tracer("github.com/keyhold/keyhold"), joins(getenv)}, nil
}

// A Span is the span of a request. Its methods may be called concurrently.
type Span struct {
	ctx    context.Context // of the spans below it
	span   trace.Span
	tracer trace.Tracer
}

// Begin begins the span of a request. parent and state are the trace context of the client, or empty (W3C Trace
// Context, traceparent and tracestate). The caller calls End once.
func (t *Tracer) Begin(parent, state string) *Span {
	ctx := context.Background()
	if t.joins && parent != "" {
		if len(state) > mostState {
			state = ""
		}
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": parent, "tracestate": state})
	}
	ctx, span := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	return &Span{ctx, span, t.tracer}
}

// Begin begins a span below s, for a part of the request. The caller calls end once. The span of a part that failed has
// the status Error, and not the text of the error.
func (s *Span) Begin(name string) (end func(error)) {
	_, span := s.tracer.Start(s.ctx, name)
	return func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// End ends the span with the result of the request.
func (s *Span) End(r Result) {
	span := s.span
	span.SetName(r.Operation)
	span.SetAttributes(
		attribute.String("rpc.system.name", "aws-api"), attribute.String("rpc.method", r.Operation),
		attribute.String("rpc.response.status_code", r.Code), attribute.String("aws.request_id", r.RequestID),
		attribute.Int("http.response.status_code", r.Status),
	)
	if r.Region != "" {
		span.SetAttributes(attribute.String("cloud.region", r.Region))
	}
	if r.Status >= 500 {
		span.SetStatus(codes.Error, r.Code)
	}
	span.End()
}

// Close sends the spans that wait, for at most two seconds. t may be nil.
func (t *Tracer) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	t.provider.Shutdown(ctx) // an error was logged already
}

// complaints logs errors of OpenTelemetry, at most one a minute.
type complaints struct {
	log  *slog.Logger
	mu   sync.Mutex
	last time.Time
}

// Handle logs an error without the URL of the collector, which may have a token.
func (c *complaints) Handle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.last) >= warnPeriod {
		c.last = now
		c.log.Warn("spans are lost, because the collector of OpenTelemetry does not take them: check the collector and "+
			endpoint, "cause", causeOf(err))
	}
}

func causeOf(err error) string {
	if at, ok := errors.AsType[*url.Error](err); ok {
		return at.Err.Error()
	}
	return "the collector refused them"
}
