package tracing

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// environment returns a getenv of the given variables, NAME=value.
func environment(variables ...string) func(string) string {
	return func(name string) string {
		for _, v := range variables {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

func TestWanted(t *testing.T) {
	for _, c := range []struct {
		variables string
		on        bool
		fault     string // variable
	}{
		{"", false, ""},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318", true, ""},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://collector.example.org/v1/traces", true, ""},
		{"OTEL_TRACES_EXPORTER=otlp", true, ""},
		{"OTEL_TRACES_EXPORTER=none OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318", false, ""},
		{"OTEL_SDK_DISABLED=True OTEL_TRACES_EXPORTER=otlp", false, ""},
		{"OTEL_SDK_DISABLED=false OTEL_TRACES_EXPORTER=otlp", true, ""},
		{"OTEL_TRACES_EXPORTER=zipkin", false, "OTEL_TRACES_EXPORTER"},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=grpc", false, "OTEL_EXPORTER_OTLP_PROTOCOL"},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc", false, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", true, ""},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=127.0.0.1:4318/secret", false, "OTEL_EXPORTER_OTLP_ENDPOINT"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=ftp://collector/secret", false, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_TRACES_SAMPLER=sometimes", false, "OTEL_TRACES_SAMPLER"},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=0.25", true, ""},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=2", false, "OTEL_TRACES_SAMPLER_ARG"},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_TRACES_SAMPLER_ARG=NaN", false, "OTEL_TRACES_SAMPLER_ARG"},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20secret,x-tenant=a", true, ""},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_HEADERS=Authorization:secret", false, "OTEL_EXPORTER_OTLP_HEADERS"},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_HEADERS=a=b,secret", false, "OTEL_EXPORTER_OTLP_HEADERS"},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_TRACES_HEADERS=a=secret%zz", false, "OTEL_EXPORTER_OTLP_TRACES_HEADERS"},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_HEADERS=sec(ret=a", false, "OTEL_EXPORTER_OTLP_HEADERS"},
	} {
		tracer, err := New(t.Context(), environment(strings.Fields(c.variables)...), "1", slog.New(slog.DiscardHandler))
		if tracer != nil {
			tracer.Close()
		}
		wrong, _ := errors.AsType[SettingError](err)
		if (tracer != nil) != c.on || wrong.Variable != c.fault || strings.Contains(wrong.Fault, "secret") {
			t.Errorf("%q: %v, %v", c.variables, tracer != nil, err)
		}
	}
	var none *Tracer
	none.Close()
}

// A collector keeps the bodies of requests.
type collector struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte
}

func newCollector(t *testing.T) *collector {
	c := new(collector)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bodies = append(c.bodies, body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, "{}")
	}))
	t.Cleanup(c.Close)
	return c
}

type jsonSpan struct {
	Name, TraceID, SpanID, ParentSpanID, TraceState string
	Attributes                                      []struct {
		Key   string
		Value struct{ StringValue, IntValue string }
	}
	Status struct{ Code int }
}

// spans returns the spans by name, and the name of the service.
func (c *collector) spans(t *testing.T) (all map[string]jsonSpan, service string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all = map[string]jsonSpan{}
	for _, body := range c.bodies {
		var in struct {
			ResourceSpans []struct {
				Resource   jsonSpan
				ScopeSpans []struct{ Spans []jsonSpan }
			}
		}
		if err := json.Unmarshal(body, &in); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		for _, r := range in.ResourceSpans {
			service = r.Resource.attribute("service.name")
			for _, scope := range r.ScopeSpans {
				for _, s := range scope.Spans {
					all[s.Name] = s
				}
			}
		}
	}
	return all, service
}

func (s jsonSpan) attribute(key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.StringValue + a.Value.IntValue
		}
	}
	return ""
}

// set sets variables of the environment of this process, which the library reads itself.
func set(t *testing.T, variables ...string) {
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
}

const (
	parent  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	traceID = "0af7651916cd43dd8448eb211c80319c"
	unasked = "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-00" // the client does not sample
)

func TestSpans(t *testing.T) {
	c := newCollector(t)
	set(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_EXPORTER_OTLP_PROTOCOL=http/json")
	tracer, err := New(t.Context(), os.Getenv, "1.2", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		parent, state string
		Result
	}{
		{parent, "vendor=1", Result{"Decrypt", "OK", "eu-west-2", "id-1", 200}},
		{parent, "vendor=" + strings.Repeat("x", 600), Result{"Encrypt", "KMSInternalException", "", "id-2", 500}},
		{"nonsense", "", Result{"Sign", "AccessDeniedException", "eu-west-2", "id-3", 400}},
		{"", "", Result{"Verify", "OK", "eu-west-2", "id-4", 200}},
		{unasked, "", Result{"ListKeys", "OK", "eu-west-2", "id-5", 200}},
	} {
		tracer.Begin(r.parent, r.state).End(r.Result)
	}
	tracer.Close()
	all, service := c.spans(t)
	if service != "keyhold" || len(all) != 4 {
		t.Fatalf("service %q, %d spans", service, len(all))
	}
	for name, want := range map[string][7]string{ // joins, state, code, region, ID, status of HTTP, status of the span
		"Decrypt": {"yes", "vendor=1", "OK", "eu-west-2", "id-1", "200", "0"},
		"Encrypt": {"yes", "", "KMSInternalException", "", "id-2", "500", "2"},
		"Sign":    {"no", "", "AccessDeniedException", "eu-west-2", "id-3", "400", "0"},
		"Verify":  {"no", "", "OK", "eu-west-2", "id-4", "200", "0"},
	} {
		s := all[name]
		joined := map[bool]string{true: "yes", false: "no"}[strings.EqualFold(s.TraceID, traceID) && strings.EqualFold(s.ParentSpanID, "b7ad6b7169203331")]
		got := [7]string{joined, s.TraceState, s.attribute("rpc.response.status_code"), s.attribute("cloud.region"),
			s.attribute("aws.request_id"), s.attribute("http.response.status_code"), string(rune('0' + s.Status.Code))}
		if got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A part of a request is a span below the span of the request. The text of its error stays here.
func TestParts(t *testing.T) {
	c := newCollector(t)
	set(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL, "OTEL_EXPORTER_OTLP_PROTOCOL=http/json")
	tracer, err := New(t.Context(), os.Getenv, "1.2", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := tracer.Begin(parent, "")
	s.Begin("made")(nil)
	s.Begin("failed")(errors.New("a secret"))
	s.End(Result{Operation: "CreateKey"})
	tracer.Begin(unasked, "").Begin("not sampled")(nil)
	tracer.Close()
	all, _ := c.spans(t)
	if len(all) != 3 {
		t.Fatalf("%d spans: %+v", len(all), all)
	}
	for name, status := range map[string]int{"made": 0, "failed": 2} {
		p := all[name]
		if p.ParentSpanID != all["CreateKey"].SpanID || p.SpanID == "" || !strings.EqualFold(p.TraceID, traceID) || p.Status.Code != status {
			t.Errorf("%s: %+v, below %+v", name, p, all["CreateKey"])
		}
	}
	if bytes.Contains(bytes.Join(c.bodies, nil), []byte("secret")) {
		t.Error("the text of an error was sent")
	}
}

func TestSettingsOfLibrary(t *testing.T) {
	c := newCollector(t)
	set(t, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+c.URL+"/v1/traces", "OTEL_EXPORTER_OTLP_PROTOCOL=http/json", "OTEL_SERVICE_NAME=payments",
		"OTEL_PROPAGATORS=none")
	for _, sampler := range []string{"always_off", "always_on"} {
		set(t, "OTEL_TRACES_SAMPLER="+sampler)
		tracer, err := New(t.Context(), os.Getenv, "1.2", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		tracer.Begin(parent, "").End(Result{Operation: sampler})
		tracer.Close()
	}
	all, service := c.spans(t)
	if _, ok := all["always_on"]; !ok || len(all) != 1 || service != "payments" || strings.EqualFold(all["always_on"].TraceID, traceID) {
		t.Errorf("service %q: %+v", service, all)
	}
}

// A collector that does not answer delays no request, and the end by two seconds at most. Spans beyond the queue are lost.
func TestDeadCollector(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer s.Close()
	defer close(release)
	set(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+s.URL+"/token", "OTEL_BSP_SCHEDULE_DELAY=1", "OTEL_BSP_EXPORT_TIMEOUT=50")
	var log bytes.Buffer
	tracer, err := New(t.Context(), os.Getenv, "1", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for range 50_000 {
		tracer.Begin("", "").End(Result{Operation: "Decrypt"})
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("50,000 spans took %v", took)
	}
	tracer.Close()
	if text := log.String(); strings.Count(text, "\n") > 1 || strings.Contains(text, "token") {
		t.Error(text)
	}
}
