package metrics

import "github.com/keyhold/keyhold/internal/measure"

// Requests returns the readers of the metrics of requests.
func Requests(r *measure.Requests) map[string]Reader {
	return map[string]Reader{
		"keyhold_requests_total": func(s Series) {
			for _, c := range r.Counts() {
				s.Value(float64(c.Count), c.Operation, c.Code)
			}
		},
		"keyhold_request_duration_seconds": func(s Series) {
			r.Durations(func(operation string, d measure.Distribution) { s.Durations(d, operation) })
		},
	}
}
