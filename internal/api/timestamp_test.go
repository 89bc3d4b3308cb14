package api

import (
	"strconv"
	"testing"
	"time"
)

func TestTimestampWritten(t *testing.T) {
	tests := []struct {
		time time.Time
		want string
	}{
		{time.Unix(1764000000, 0), "1764000000"},
		{time.Unix(1764000000, 123_000_000), "1764000000.123"},
		{time.Unix(1764000000, 123_999_999), "1764000000.123"},
		{time.Unix(1764000000, 10_000_000), "1764000000.010"},
		{time.Unix(1764000000, 100_000_000), "1764000000.100"},
		{time.Unix(1764000000, 999_999), "1764000000"},
		{time.Unix(0, 0), "0"},
		{time.Unix(0, 5_000_000), "0.005"},
		{time.Unix(-1, 0), "-1"},
		{time.Unix(-1, 500_000_000), "-0.500"},
		{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), "-62135596800"},
		{time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC), "253402300799.999"},
	}
	for _, test := range tests {
		body, err := Encode(&ImportKeyMaterialRequest{ValidTo: NewTimestamp(test.time)})
		if want := `{"ValidTo":` + test.want + `}`; err != nil || string(body) != want {
			t.Errorf("%v: %s, %v; want %s", test.time, body, err, want)
		}
		var back ImportKeyMaterialRequest
		if err := Decode(body, &back); err != nil {
			t.Errorf("%s: %v", body, err)
		} else if !back.ValidTo.Time().Equal(test.time.Truncate(time.Millisecond)) {
			t.Errorf("%s was read as %v", body, back.ValidTo)
		}
	}
}

func TestTimestampIsUTC(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	time.Local = time.FixedZone("elsewhere", 3600)
	at := NewTimestamp(time.Unix(1764000000, 0))
	if at.Time().Location() != time.UTC || at.String() != "2025-11-24T16:00:00Z" {
		t.Errorf("%v, %v", at.Time(), at)
	}
}

func TestTimestampRead(t *testing.T) {
	tests := []struct{ text, want string }{
		{"1764000000", "2025-11-24T16:00:00Z"},
		{"1.764E9", "2025-11-24T16:00:00Z"},
		{"1.7E9", "2023-11-14T22:13:20Z"},
		{"17e+8", "2023-11-14T22:13:20Z"},
		{"1764000000.123", "2025-11-24T16:00:00.123Z"},
		{"1.764000000123E9", "2025-11-24T16:00:00.123Z"},
		{"1764000000.1234999", "2025-11-24T16:00:00.123Z"},
		{"1764000000.9996", "2025-11-24T16:00:01Z"},
		{"-0", "1970-01-01T00:00:00Z"},
		{"1e-999999999", "1970-01-01T00:00:00Z"},
		{"-62135596800", "0001-01-01T00:00:00Z"},
		{"253402300799.999", "9999-12-31T23:59:59.999Z"},
	}
	for _, test := range tests {
		var in ImportKeyMaterialRequest
		if err := Decode([]byte(`{"ValidTo":`+test.text+`}`), &in); err != nil {
			t.Errorf("%s: %v", test.text, err)
		} else if got := in.ValidTo.String(); got != test.want {
			t.Errorf("%s: %s, want %s", test.text, got, test.want)
		}
	}
	for _, text := range []string{
		`"1764000000"`, `"2025-11-24T16:00:00Z"`, `true`, `{}`, `[]`, `[1764000000]`, `{"a":1}`,
		`253402300800`, `253402300799.9996`, `-62135596800.001`, `1e12`, `1e309`, `-1e309`, `1e999999999`,
	} {
		var in ImportKeyMaterialRequest
		wantReason(t, text, Decode([]byte(`{"ValidTo":`+text+`}`), &in), reasonTime)
	}
	for _, text := range []string{`+1`, `01`, `1.`, `.5`, `NaN`, `Infinity`, `0x10`, `1_000`, ``} {
		var in ImportKeyMaterialRequest
		wantReason(t, text, Decode([]byte(`{"ValidTo":`+text+`}`), &in), reasonSyntax)
	}
	var in ImportKeyMaterialRequest
	if err := Decode([]byte(`{"ValidTo":null}`), &in); err != nil || in.ValidTo != nil {
		t.Errorf("null: %v, %v", in.ValidTo, err)
	}
}

// Every millisecond of a second at the end of the range, where float64 has the lowest precision, survives
// encoding and decoding.
func TestTimestampExact(t *testing.T) {
	for milli := range 1000 {
		text := "253402300799." + strconv.Itoa(1000 + milli)[1:]
		var in ImportKeyMaterialRequest
		if err := Decode([]byte(`{"ValidTo":`+text+`}`), &in); err != nil {
			t.Fatal(err)
		}
		if got := int(in.ValidTo.milli % 1000); got != milli {
			t.Errorf("%s: %d", text, got)
		}
	}
}
