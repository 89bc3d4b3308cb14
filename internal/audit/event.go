package audit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The values of Event.EventType.
const (
	APICall      = "AwsApiCall"      // somebody asked
	ServiceEvent = "AwsServiceEvent" // the server acted of itself, as when material expires
)

// The values of Event.EventSource.
const (
	KMS = "kms.amazonaws.com"
	STS = "sts.amazonaws.com"
)

// The values of Resource.Type.
const (
	KeyResource  = "AWS::KMS::Key"
	RoleResource = "AWS::IAM::Role"
)

// An Event says who asked for what, and what was decided. Its members are named
// and ordered as in "CloudTrail record contents" and the KMS pages "Examples of
// AWS KMS log entries". What it holds is written in the clear: the caller leaves
// out secrets, plaintext, ciphertext, tokens and signatures.
type Event struct {
	EventSource         string // empty: KMS
	UserIdentity        Identity
	EventTime           time.Time // a part smaller than a millisecond is dropped
	EventName           string    // the operation
	AWSRegion           string
	SourceIPAddress     string
	UserAgent           string
	ErrorCode           string // empty when it went well
	ErrorMessage        string
	RequestParameters   []byte // a JSON object without white space; nil: null
	ResponseElements    []byte // as RequestParameters; nil: null
	AdditionalEventData []byte // as RequestParameters; nil: absent
	RequestID           string
	EventID             string // unique, such as a UUID
	ReadOnly            bool
	Resources           []Resource
	EventType           string // empty: APICall
	RecipientAccountID  string
	ServiceEventDetails []byte // as RequestParameters; nil: absent
	StoreRevision       int64  // as Stamp has it; 0: none
}

// A Resource is a thing that the event is about.
type Resource struct{ ARN, AccountID, Type string }

// Line returns e as one line of JSON with its newline at the end and no other:
// the bytes for the log and for the outbox, the same for the same event. Invalid
// UTF-8 becomes U+FFFD, because a user agent is whatever bytes the client sent, and
// refusing them would let a client choose to stay out of the log. Long values are
// shortened, so that the line has at most 64 KiB, or 8 KiB if the request was refused
// or nobody signed it. Line fails if one of the members that are JSON already cannot
// be a part of a line.
func (e Event) Line() ([]byte, error) {
	return e.appendLine(make([]byte, 0, 1024+len(e.RequestParameters)))
}

func (e Event) appendLine(b []byte) ([]byte, error) {
	for _, text := range [][]byte{e.RequestParameters, e.ResponseElements, e.AdditionalEventData, e.ServiceEventDetails} {
		if bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0 {
			return nil, fmt.Errorf("audit: event %s: parameters or details of more than one line", e.EventID)
		}
	}
	line := e.encode(b, longTexts)
	if len(line) > e.most() {
		line = e.shortened(line)
	}
	return line, nil
}

// encode appends the line, with its texts as long as t allows.
func (e *Event) encode(b []byte, t texts) []byte {
	o := object{append(b, '{'), t}
	o.member("eventVersion", "1.11")
	o.member("eventSource", cmp.Or(e.EventSource, KMS))
	o.open("userIdentity")
	e.UserIdentity.members(&o)
	o.close()
	o.time("eventTime", e.EventTime)
	o.member("eventName", e.EventName)
	o.member("awsRegion", e.AWSRegion)
	o.member("sourceIPAddress", e.SourceIPAddress)
	o.member("userAgent", e.UserAgent)
	o.optional("errorCode", e.ErrorCode)
	o.optional("errorMessage", e.ErrorMessage)
	o.orNull("requestParameters", e.RequestParameters)
	o.orNull("responseElements", e.ResponseElements)
	o.details("additionalEventData", e.AdditionalEventData)
	o.optional("requestID", e.RequestID)
	o.member("eventID", e.EventID)
	o.raw("readOnly", strconv.FormatBool(e.ReadOnly))
	o.resources(e.Resources)
	o.member("eventType", cmp.Or(e.EventType, APICall))
	o.member("recipientAccountId", e.RecipientAccountID)
	o.details("serviceEventDetails", e.ServiceEventDetails)
	if e.StoreRevision != 0 {
		o.raw("storeRevision", strconv.FormatInt(e.StoreRevision, 10))
	}
	o.raw("managementEvent", "true")
	o.member("eventCategory", "Management")
	return append(onOneLine(o.text), "}\n"...)
}

func (r Resource) members(o *object) {
	o.member("ARN", r.ARN)
	o.member("accountId", r.AccountID)
	o.member("type", r.Type)
}

// An object is the text of a JSON object that is not closed yet. There is one for
// each request, so it is written without reflection.
type object struct {
	text []byte
	texts
}

func (o *object) name(name string) {
	if o.text[len(o.text)-1] != '{' {
		o.text = append(o.text, ',')
	}
	o.text = append(append(append(o.text, '"'), name...), `":`...)
}

func (o *object) raw(name, value string) {
	o.name(name)
	o.text = append(o.text, value...)
}

func (o *object) member(name, value string) {
	o.name(name)
	begin := len(o.text)
	o.text, _ = jsontext.AppendQuote(o.text, value) // it repairs what its error is about
	if len(o.text)-begin > o.most {
		o.text, _ = jsontext.AppendQuote(o.text[:begin], o.shortened(value))
	}
}

func (o *object) optional(name, value string) {
	if value != "" {
		o.member(name, value)
	}
}

// time adds a time in UTC with three decimals always, so that lines sort as text.
func (o *object) time(name string, t time.Time) {
	t = t.UTC()
	o.name(name)
	o.text = append(o.text, '"')
	o.text = t.AppendFormat(o.text, time.RFC3339) // which is quick, other layouts are not
	o.text = append(o.text[:len(o.text)-len("Z")], '.')
	thousandths := t.Nanosecond() / 1e6
	o.text = append(o.text, byte('0'+thousandths/100), byte('0'+thousandths/10%10), byte('0'+thousandths%10), 'Z', '"')
}

// details adds a value that is JSON already, if it is there.
func (o *object) details(name string, value []byte) {
	if value != nil {
		o.name(name)
		o.text = append(o.text, value...)
	}
}

// orNull adds a value that is JSON already, or null.
func (o *object) orNull(name string, value []byte) {
	if value == nil {
		value = []byte("null")
	}
	o.details(name, value)
}

// open begins a member that is an object, which close ends.
func (o *object) open(name string) { o.raw(name, "{") }

func (o *object) close() { o.text = append(o.text, '}') }

func (o *object) resources(all []Resource) {
	if len(all) == 0 {
		return
	}
	o.raw("resources", "[")
	for i, r := range all {
		if i > 0 {
			o.text = append(o.text, ',')
		}
		o.text = append(o.text, '{')
		r.members(o)
		o.text = append(o.text, '}')
	}
	o.text = append(o.text, ']')
}

// onOneLine escapes what some readers take for the end of a line too.
func onOneLine(text []byte) []byte {
	if !bytes.Contains(text, []byte("\u2028")) && !bytes.Contains(text, []byte("\u2029")) {
		return text
	}
	text = bytes.ReplaceAll(text, []byte("\u2028"), []byte(`\u2028`))
	return bytes.ReplaceAll(text, []byte("\u2029"), []byte(`\u2029`))
}

// Stamp returns the line of an event whose StoreRevision was not known yet, with
// it as the last member: the revision that the store had reached when the line
// was written to the log. A store that is found older than the stamps of its log
// was put back.
func Stamp(line []byte, revision int64) []byte {
	stamped := append([]byte(nil), bytes.TrimSuffix(line, []byte("}\n"))...)
	return fmt.Appendf(stamped, ",\"storeRevision\":%d}\n", revision)
}

// ID reads the EventID back from a line.
func ID(line []byte) (string, error) {
	id, _, err := parseLine(line)
	return id, err
}

var errNoEvent = errors.New("audit: not an event")

// parseLine reads the EventID and the stamp back from a line; 0 is no stamp.
func parseLine(line []byte) (id string, revision int64, err error) {
	var e struct {
		EventID       string `json:"eventID"`
		StoreRevision int64  `json:"storeRevision"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return "", 0, fmt.Errorf("audit: not an event: %w", err)
	}
	if e.EventID == "" {
		return "", 0, errNoEvent
	}
	return e.EventID, e.StoreRevision, nil
}
