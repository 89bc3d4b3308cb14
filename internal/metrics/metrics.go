// Package metrics shows the numbers of a server in the formats of Prometheus and OpenMetrics. It owns a registry, and
// reads all numbers when it is asked: other packages have plain numbers and do not know this package.
package metrics

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/keyhold/keyhold/internal/measure"
)

// A Reader returns the values of a metric. It calls value for each series, with the values of the labels in the order
// of the table, or durations for a histogram. It must not give two values for the same labels.
type Reader func(Series)

// Series takes the values of one metric.
type Series struct {
	desc *prometheus.Desc
	kind string
	to   chan<- prometheus.Metric
}

// Value adds a value of a counter or of a gauge.
func (s Series) Value(v float64, labels ...string) {
	kind := prometheus.GaugeValue
	if s.kind == "counter" {
		kind = prometheus.CounterValue
	}
	s.to <- prometheus.MustNewConstMetric(s.desc, kind, v, labels...)
}

// Bool adds 1 or 0.
func (s Series) Bool(v bool, labels ...string) {
	if v {
		s.Value(1, labels...)
	} else {
		s.Value(0, labels...)
	}
}

// Durations adds the values of a histogram, in seconds.
func (s Series) Durations(d measure.Distribution, labels ...string) {
	buckets, below := map[float64]uint64{}, uint64(0)
	for i, bound := range measure.Bounds() {
		below += d.Counts[i]
		buckets[bound.Seconds()] = below
	}
	s.to <- prometheus.MustNewConstHistogram(s.desc, d.Total(), d.Sum.Seconds(), buckets, labels...)
}

// A Registry has the metrics of one server.
type Registry struct{ registry *prometheus.Registry }

// New returns a Registry of the metrics of the table, with their readers by name, and of the metrics of the process and
// of the runtime of Go. A metric without a reader is left out: the server does not have this part.
func New(readers map[string]Reader) (*Registry, error) {
	r := prometheus.NewPedanticRegistry()
	all := families()
	for name, read := range readers {
		i := slices.IndexFunc(all, func(f family) bool { return f.name == name })
		if i < 0 {
			return nil, fmt.Errorf("the table of metrics has no line for %s", name)
		}
		f := all[i]
		c := collector{prometheus.NewDesc(f.name, f.help, f.labels, nil), f.kind, read}
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return &Registry{r}, nil
}

// A collector reads one metric.
type collector struct {
	desc *prometheus.Desc
	kind string
	read Reader
}

func (c collector) Describe(to chan<- *prometheus.Desc) { to <- c.desc }

func (c collector) Collect(to chan<- prometheus.Metric) { c.read(Series{c.desc, c.kind, to}) }

// mostScrapes limits the scrapes at the same time.
const mostScrapes = 4

// Handler answers scrapes. A metric that cannot be read is logged and left out.
func (r *Registry) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{
		ErrorLog: errorLog{log}, ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: mostScrapes, EnableOpenMetrics: true,
	})
}

type errorLog struct{ log *slog.Logger }

func (l errorLog) Println(v ...any) {
	l.log.Error("a metric could not be read", "cause", fmt.Sprint(v...))
}

// Names returns the names of the metrics of the table, sorted.
func Names() (names []string) {
	for _, f := range families() {
		names = append(names, f.name)
	}
	slices.SortFunc(names, cmp.Compare)
	return names
}
