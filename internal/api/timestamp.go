package api

import (
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The times that a body can carry: years 1 to 9999, in milliseconds since 1970.
const (
	minMilli = -62_135_596_800_000
	maxMilli = 253_402_300_799_999
)

// A Timestamp is a time to the millisecond: on the wire a JSON number, the
// seconds since 1970. The zero value is 1970; two of the same time are equal.
type Timestamp struct{ milli int64 }

// NewTimestamp returns t, cut to the millisecond.
func NewTimestamp(t time.Time) *Timestamp {
	return &Timestamp{milli: t.UnixMilli()}
}

// Time returns the time in UTC.
func (t Timestamp) Time() time.Time { return time.UnixMilli(t.milli).UTC() }

// String returns the time as RFC 3339 has it, in UTC.
func (t Timestamp) String() string { return t.Time().Format(time.RFC3339Nano) }

// MarshalJSONTo writes the seconds as a plain decimal: an integer, or with three
// digits after the point. An exponent would be as good JSON, but not every
// client's shell script reads it.
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

// UnmarshalJSONFrom reads any form of JSON number within range, and no string.
// It rounds: a float64 holds no decimal fraction exactly, but all of these
// milliseconds to within a thirtieth.
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
