package metrics

import (
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/measure"
)

// scrape returns the text of a Registry.
func scrape(t *testing.T, readers map[string]Reader) string {
	t.Helper()
	r, err := New(readers)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r.Handler(slog.New(slog.NewTextHandler(io.Discard, nil))).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestMetricsOfRequests(t *testing.T) {
	q := measure.NewRequests([]string{"Decrypt"}, []string{"AccessDeniedException"})
	q.Note(1, measure.OK, q.Begin())
	q.Note(1, q.Code("AccessDeniedException"), q.Begin())
	q.Note(7, q.Code("arn:aws:iam::111122223333:user/alice"), q.Begin())
	text := scrape(t, Requests(q))
	for _, want := range []string{
		`keyhold_requests_total{code="OK",operation="Decrypt"} 1`,
		`keyhold_requests_total{code="AccessDeniedException",operation="Decrypt"} 1`,
		`keyhold_requests_total{code="other",operation="other"} 1`,
		`keyhold_request_duration_seconds_count{operation="Decrypt"} 2`,
		`keyhold_request_duration_seconds_bucket{operation="other",le="+Inf"} 1`,
		"go_goroutines ", "process_open_fds ",
	} {
		if !strings.Contains(text, want+"\n") && !strings.Contains(text, "\n"+want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "alice") {
		t.Error("a label has the name of a caller")
	}
}

// Clients cannot make series: no request raises the number of series above a bound.
func TestSeriesAreBounded(t *testing.T) {
	q := measure.NewRequests([]string{"Decrypt", "Encrypt"}, []string{"AccessDeniedException"})
	for i := range 10_000 {
		q.Note(i, i, q.Begin())
		q.Note(i%3, q.Code(fmt.Sprint("code", i)), q.Begin())
	}
	counts, operations := q.Most()
	perHistogram := len(measure.Bounds()) + 3 // with +Inf, sum and count
	lines := 0
	for line := range strings.Lines(scrape(t, Requests(q))) {
		if strings.HasPrefix(line, "keyhold_") {
			lines++
		}
	}
	if most := counts + operations*perHistogram; lines > most || lines == 0 {
		t.Errorf("%d series, want at most %d", lines, most)
	}
}

// Every line of the table can have its values, and no other metric can be made.
func TestEveryMetric(t *testing.T) {
	readers := map[string]Reader{}
	for _, f := range families() {
		labels := make([]string, len(f.labels))
		readers[f.name] = func(s Series) {
			if f.kind == "histogram" {
				var h measure.Histogram
				h.Note(time.Second)
				s.Durations(h.Read(), labels...)
				return
			}
			s.Bool(true, labels...)
		}
	}
	text := scrape(t, readers)
	for _, f := range families() {
		if !strings.Contains(text, "# TYPE "+f.name+" "+f.kind+"\n") {
			t.Errorf("no %s %s", f.kind, f.name)
		}
		if strings.Contains(f.name, "_total") != (f.kind == "counter") {
			t.Errorf("%s is a %s", f.name, f.kind)
		}
	}
	if _, err := New(map[string]Reader{"keyhold_other": nil}); err == nil {
		t.Error("a metric that the table lacks was registered")
	}
}

func TestDocumentsHaveTheTable(t *testing.T) {
	text, err := os.ReadFile("../../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), Table()) {
		t.Errorf("docs/monitoring.md must have this table:\n%s", Table())
	}
}
