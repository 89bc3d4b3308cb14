package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// fill sets every text of v to text, and gives every slice this number of elements.
func fill(v reflect.Value, text string, elements int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), text, elements)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct {
			v.Set(reflect.MakeSlice(v.Type(), elements, elements))
			for i := range elements {
				fill(v.Index(i), text, elements)
			}
		}
	}
}

func quoted(text string) string {
	b, _ := jsontext.AppendQuote(nil, text)
	return string(b)
}

// parameters returns a JSON object with some members, all with the same text.
func parameters(members int, text string) []byte {
	var b strings.Builder
	for i := range members {
		fmt.Fprintf(&b, `,"member%d":%s`, i, quoted(text))
	}
	return []byte("{" + strings.TrimPrefix(b.String(), ",") + "}")
}

// Whatever the members of an event contain, its line is one line, has a bounded size, and parses as an event.
func TestLinesHaveABound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, text := range []string{"\x01", "a\xff\u2028\""} {
		for _, size := range []int{0, 200, 8 << 10, 128 << 10} {
			for _, many := range []int{0, 1, 40} {
				if many*size > 130<<10 {
					continue // longer than any request
				}
				e := Event{UserIdentity: Identity{Session: Session{Issued: sample().EventTime}}}
				fill(reflect.ValueOf(&e).Elem(), strings.Repeat(text, min(size, 8<<10)/len(text)), many) // a request header has at most 16 KiB
				long := strings.Repeat(text, size*(1+random.IntN(2))/len(text))
				e.EventID, e.RequestParameters, e.ResponseElements = "id", parameters(many, long), parameters(min(many, 2), long)
				e.AdditionalEventData, e.StoreRevision = parameters(1, long), 1<<62
				for _, code := range []string{"", "AccessDenied"} {
					for _, kind := range []string{"IAMUser", Unknown} {
						e.ErrorCode, e.UserIdentity.Type = code, kind
						checkLine(t, e)
					}
				}
			}
		}
	}
}

// Values are replaced, the largest first, until the line is as short as it must be, and no further.
func TestReplaceStopsAtTheBound(t *testing.T) {
	for over, want := range map[int]string{
		0: `{"a":"1234","b":"123456"}`, 1: `{"a":"1234","b":"-"}`, 5: `{"a":"1234","b":"-"}`, 6: `{"a":"-","b":"-"}`, 100: `{"a":"-","b":"-"}`,
	} {
		e := Event{RequestParameters: []byte(`{"a":"1234","b":"123456"}`)}
		e.replace(over, func(string) bool { return true }, func(jsontext.Value) jsontext.Value { return jsontext.Value(`"-"`) })
		if string(e.RequestParameters) != want {
			t.Errorf("%d bytes too long: %s", over, e.RequestParameters)
		}
	}
}

// A line that is one byte too long is shortened; a line of exactly the maximum size is not.
func TestBoundsToTheByte(t *testing.T) {
	for _, test := range []struct {
		kind, code string
		most       int
	}{
		{"IAMUser", "", 64 << 10}, {"IAMUser", "AccessDenied", 8 << 10}, {WebIdentityUser, "", 8 << 10},
		{WebIdentityUser, "AccessDenied", 8 << 10}, {Unknown, "", 8 << 10}, {"", "", 64 << 10},
	} {
		for more := range 2 {
			e := Event{EventID: "id", ErrorCode: test.code, UserIdentity: Identity{Type: test.kind}, RequestParameters: []byte(`{"a":""}`)}
			room := test.most - maxStamp - len(mustLine(t, e)) + more
			e.RequestParameters = fmt.Appendf(nil, `{"a":"%s"}`, strings.Repeat("x", room))
			over := len(mustLine(t, e)) - (test.most - maxStamp)
			if more == 0 && over != 0 || more > 0 && over >= 0 {
				t.Errorf("%+v with %d bytes too many: the line is longer by %d", test, more, over)
			}
		}
	}
}

func checkLine(t *testing.T, e Event) {
	t.Helper()
	line := mustLine(t, e)
	most := 64 << 10
	if e.ErrorCode != "" || e.UserIdentity.Type != "IAMUser" {
		most = 8 << 10
	}
	if stamped := Stamp(line, 1<<62); len(stamped) > most {
		t.Errorf("%d bytes, with parameters of %d", len(stamped), len(e.RequestParameters))
	}
	id, revision, err := parseLine(line)
	if err != nil || id != "id" || revision != 1<<62 || bytes.IndexByte(line, '\n') != len(line)-1 {
		t.Errorf("%.200s: %v", line, err)
	}
	if again := mustLine(t, e); !bytes.Equal(again, line) {
		t.Errorf("the same event has two lines:\n%s%s", line, again)
	}
	if _, err := parseEvent(line); err != nil {
		t.Error(err)
	}
}

// memberOf returns a member of the request parameters in the line of e.
func memberOf(t *testing.T, e Event, name string) string {
	t.Helper()
	var line struct {
		RequestParameters map[string]json.RawMessage `json:"requestParameters"`
	}
	if err := json.Unmarshal(mustLine(t, e), &line); err != nil {
		t.Fatal(err)
	}
	return string(line.RequestParameters[name])
}

func notKeptOf(text string) string {
	return fmt.Sprintf(`{"notKept":{"bytes":%d,"sha256":"%x"}}`, len(text), sha256.Sum256([]byte(text)))
}

// The largest values are replaced first, and only as many as necessary.
func TestLongValuesBecomeTheirDigest(t *testing.T) {
	a, b, context := strings.Repeat("a", 4<<10), strings.Repeat("\n", 3<<10), `{"k":"`+strings.Repeat("v", 5<<10)+`"}`
	e := Event{EventID: "id", ErrorCode: "X", RequestParameters: fmt.Appendf(nil, `{"a":%s,"b":%s,"context":%s,"d":1}`, quoted(a), quoted(b), context)}
	for name, want := range map[string]string{"a": quoted(a), "b": notKeptOf(b), "context": notKeptOf(context), "d": "1"} {
		if got := memberOf(t, e, name); got != want {
			t.Errorf("%s is %.100s, want %.100s", name, got, want)
		}
	}
}

// The event of a change keeps the document, whatever the document and the other parameters contain.
func TestDocumentsAreKept(t *testing.T) {
	for name, document := range map[string]string{
		"plain":         strings.Repeat("x", 32<<10),
		"backslashes":   strings.Repeat(`\`, 32<<10),
		"line ends":     strings.Repeat("\n", 32<<10),
		"of two bytes":  strings.Repeat("é", 16<<10),
		"control bytes": strings.Repeat("\x1f", 32<<10),
	} {
		for _, beside := range []int{0, 20 << 10, 128 << 10} {
			e := Event{EventID: "id", RequestParameters: fmt.Appendf(nil, `{"policy":%s,"tags":%s}`, quoted(document), quoted(strings.Repeat("t", beside)))}
			got := memberOf(t, e, "policy")
			kept := fmt.Sprintf(`{"base64":"%s"}`, base64.StdEncoding.EncodeToString([]byte(document)))
			if got != kept && got != quoted(document) {
				t.Errorf("%s next to a value of %d bytes: %.100s", name, beside, got)
			}
			checkLine(t, Event{EventID: "id", StoreRevision: 1 << 62, UserIdentity: Identity{Type: "IAMUser"}, RequestParameters: e.RequestParameters})
		}
	}
	long := strings.Repeat("x", 100<<10)
	if got := memberOf(t, Event{RequestParameters: []byte(`{"policy":` + quoted(long) + `}`)}, "policy"); got != notKeptOf(long) {
		t.Errorf("a document that is too long is %.100s", got)
	}
}

func TestShortenedTexts(t *testing.T) {
	for _, text := range append(hostile, "x", "é", "\x01", "\"") {
		long := strings.Repeat(text, 4<<10/len(text))
		got, err := parseEvent(mustLine(t, Event{EventID: "id", UserAgent: long, ErrorMessage: text}))
		if err != nil || !IsShortened(got.UserAgent) || IsShortened(got.ErrorMessage) {
			t.Errorf("%q: %v, %q", text, err, got.UserAgent)
		}
		want := fmt.Sprintf("… [%d bytes, SHA-256 %x]", len(long), sha256.Sum256([]byte(long)))
		begin, found := strings.CutSuffix(got.UserAgent, want)
		if valid := string([]rune(long)); !found || len(begin) < 100 || !strings.HasPrefix(valid, begin) || len(quoted(got.UserAgent)) > longTexts.most {
			t.Errorf("%q: %d bytes, %q", text, len(got.UserAgent), got.UserAgent)
		}
	}
	for size, want := range map[int]bool{longTexts.most - 2: false, longTexts.most - 1: true} {
		got, _ := parseEvent(mustLine(t, Event{EventID: "id", UserAgent: strings.Repeat("x", size)}))
		if IsShortened(got.UserAgent) != want {
			t.Errorf("%d bytes are shortened: %v", size, !want)
		}
	}
}

// Encoding an event without long values does not allocate.
func TestShortEventsAllocateNothing(t *testing.T) {
	e, room := sample(), make([]byte, 0, 4<<10)
	if n := testing.AllocsPerRun(100, func() { e.appendLine(room) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// A line keeps its bound, and its short values, where it is not quite enough to shorten the
// longer of two values.
func TestTwoLongValues(t *testing.T) {
	for first := 8100; first < 9000; first += 100 {
		for second := 7000; second < 8100; second += 10 {
			e := Event{EventID: "id", ErrorCode: "AccessDenied", UserIdentity: Identity{Type: "IAMUser"}}
			e.RequestParameters = fmt.Appendf(nil, `{"a":"%s","b":"%s","c":"kept"}`, strings.Repeat("x", first), strings.Repeat("y", second))
			line := Stamp(mustLine(t, e), 1<<62)
			if len(line) > 8<<10 || !bytes.Contains(line, []byte(`"c":"kept"`)) {
				t.Fatalf("values of %d and %d bytes give a line of %d: %s", first, second, len(line), line)
			}
		}
	}
}
