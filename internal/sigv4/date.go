package sigv4

import (
	"net/http"
	"time"
)

const (
	dateLayout      = "20060102"
	timestampLayout = "20060102T150405Z"
)

// maxSkew is the greatest difference between the date of a request and wall time.
const maxSkew = 5 * time.Minute

// A stamp is the date of a request, in whole seconds, and the header that contains the date.
type stamp struct {
	time   time.Time
	text   string // in the form that is signed
	header string // "x-amz-date" or "date"
}

// parseStamp parses the date of a request in X-Amz-Date or, without X-Amz-Date, in Date.
// checkHeaders refuses a second date.
func parseStamp(h Header) (stamp, error) {
	for _, name := range [...]string{"x-amz-date", "date"} {
		text, found := h.First(name)
		if !found {
			continue
		}
		t, ok := parseDate(text, name == "date")
		if !ok {
			return stamp{}, incomplete("Date must be in ISO-8601 'basic format' in the '" + canonicalName(name) +
				"' header, e.g. 20260101T000000Z.")
		}
		if len(text) != len(timestampLayout) { // a date of HTTP
			text = t.Format(timestampLayout)
		}
		return stamp{t, text, name}, nil
	}
	return stamp{}, incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
}

// parseDate parses a date in ISO 8601 basic format. If orHTTP is true, it also accepts the two
// spellings of RFC 5322 that clients send ("GMT", "-0000").
func parseDate(s string, orHTTP bool) (time.Time, bool) {
	if len(s) == len(timestampLayout) { // Parse would also accept fractions of a second
		// Parse is fastest for this layout.
		t, err := time.Parse(time.RFC3339, s[:4]+"-"+s[4:6]+"-"+s[6:11]+":"+s[11:13]+":"+s[13:])
		return t, err == nil
	}
	for _, layout := range [...]string{http.TimeFormat, time.RFC1123Z} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Truncate(time.Second), orHTTP
		}
	}
	return time.Time{}, false
}

// checkDate compares the date of a request with its scope and with wall time.
func checkDate(s stamp, scopeDate string, now time.Time) error {
	if date := s.text[:len(dateLayout)]; date != scopeDate {
		return invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "+
			"'%s' != '%s', from '%s'.", scopeDate, date, s.text)
	}
	now = now.UTC().Truncate(time.Second)
	earliest, latest := now.Add(-maxSkew), now.Add(maxSkew)
	switch {
	case s.time.Before(earliest):
		return invalid("Signature expired: %s is now earlier than %s (%s - 5 min.)",
			s.text, earliest.Format(timestampLayout), now.Format(timestampLayout))
	case s.time.After(latest):
		return invalid("Signature not yet current: %s is still later than %s (%s + 5 min.)",
			s.text, latest.Format(timestampLayout), now.Format(timestampLayout))
	}
	return nil
}
