package api

import (
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The range of times in a body: the years 1 to 9999, in milliseconds since 1970.
const (
	minMilli = -62_135_596_800_000
	maxMilli = 253_402_300_799_999
)

// A Timestamp is a time with millisecond precision. On the wire it is a JSON number, in seconds since 1970. The
// zero value is the start of 1970. Timestamps can be compared with ==.
type Timestamp struct{ milli int64 }

// NewTimestamp returns t, truncated to milliseconds.
func NewTimestamp(t time.Time) *Timestamp {
	return &Timestamp{milli: t.UnixMilli()}
}

// Time returns the time in UTC.
func (t Timestamp) Time() time.Time { return time.UnixMilli(t.milli).UTC() }

// String returns the time in UTC, in the format of RFC 3339.
func (t Timestamp) String() string { return t.Time().Format(time.RFC3339Nano) }

// MarshalJSONTo encodes the seconds as a plain decimal number: an integer, or with three decimals. It avoids
// exponents, which some shell scripts of clients cannot parse.
func (t Timestamp) MarshalJSONTo(enc *jsontext.Encoder) error {
	var text []byte
	milli := t.milli
	if milli < 0 {
		text, milli = append(text, '-'), -milli
	}
	text = strconv.AppendInt(text, milli/1000, 10)
	if rest := milli % 1000; rest != 0 {
		text = append(text, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	}
	return enc.WriteValue(text)
}

// UnmarshalJSONFrom decodes any JSON number within the range. It rejects strings. It rounds to milliseconds,
// because a float64 cannot represent most decimal fractions exactly; in this range, its error is below a
// thirtieth of a millisecond.
func (t *Timestamp) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != jsontext.KindNumber {
		return reasonTime
	}
	seconds, err := token.Float()
	milli := math.Round(seconds * 1000)
	if err != nil || milli < minMilli || milli > maxMilli {
		return reasonTime
	}
	t.milli = int64(milli)
	return nil
}
