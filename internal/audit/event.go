package audit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/quote"
)

// The values of Event.EventType.
const (
	APICall      = "AwsApiCall"      // a request
	ServiceEvent = "AwsServiceEvent" // an action of the server, such as deleting expired material
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

// An Event records who requested an operation, and the result. Its members have the names and order of
// "CloudTrail record contents" and of the KMS pages "Examples of AWS KMS log entries". Events are written
// unencrypted: the caller must leave out secrets, plaintext, ciphertext, tokens and signatures.
type Event struct {
	EventSource         string // empty means KMS
	UserIdentity        Identity
	EventTime           time.Time // truncated to milliseconds
	EventName           string    // the operation
	AWSRegion           string
	SourceIPAddress     string
	UserAgent           string
	ErrorCode           string // empty if the request succeeded
	ErrorMessage        string
	RequestParameters   []byte // a JSON object without white space; nil is written as null
	ResponseElements    []byte // as RequestParameters; nil is written as null
	AdditionalEventData []byte // as RequestParameters; omitted if nil
	RequestID           string
	EventID             string // unique, such as a UUID
	ReadOnly            bool
	Resources           []Resource
	EventType           string // empty means APICall
	RecipientAccountID  string
	ServiceEventDetails []byte // as RequestParameters; omitted if nil
	StoreRevision       int64  // see Stamp; omitted if 0
}

// A Resource is a resource that the event concerns.
type Resource struct{ ARN, AccountID, Type string }

// Line returns e as one line of JSON, with a newline at the end only. Both the log and the outbox contain these
// bytes, and equal events give equal lines. Invalid UTF-8 becomes U+FFFD: the client chooses the bytes of its
// user agent, and must not be able to stay out of the log by sending invalid ones. Long values are shortened,
// so a line has at most 64 KiB, or 8 KiB if the request was refused or unsigned. Line fails if a member that is
// already JSON has line breaks.
func (e Event) Line() ([]byte, error) {
	return e.appendLine(make([]byte, 0, 1024+len(e.RequestParameters)))
}

func (e *Event) appendLine(b []byte) ([]byte, error) {
	for _, text := range [][]byte{e.RequestParameters, e.ResponseElements, e.AdditionalEventData, e.ServiceEventDetails} {
		if bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0 {
			return nil, fmt.Errorf("audit: event %s: parameters or details of more than one line", e.EventID)
		}
	}
	line := e.encode(b, longTexts)
	if len(line) > e.limit() {
		line = e.shorten(line)
	}
	return line, nil
}

// encode appends the line of e, with texts shortened according to t.
func (e *Event) encode(b []byte, t texts) []byte {
	o := object{append(b, `{"eventVersion":"1.11"`...), t}
	o.member(`,"eventSource":`, cmp.Or(e.EventSource, KMS))
	o.open(`,"userIdentity":`)
	e.UserIdentity.members(&o)
	o.close()
	o.time(`,"eventTime":`, e.EventTime)
	o.member(`,"eventName":`, e.EventName)
	o.member(`,"awsRegion":`, e.AWSRegion)
	o.member(`,"sourceIPAddress":`, e.SourceIPAddress)
	o.member(`,"userAgent":`, e.UserAgent)
	o.optional(`,"errorCode":`, e.ErrorCode)
	o.optional(`,"errorMessage":`, e.ErrorMessage)
	o.orNull(`,"requestParameters":`, e.RequestParameters)
	o.orNull(`,"responseElements":`, e.ResponseElements)
	o.details(`,"additionalEventData":`, e.AdditionalEventData)
	o.optional(`,"requestID":`, e.RequestID)
	o.member(`,"eventID":`, e.EventID)
	o.raw(`,"readOnly":`, strconv.FormatBool(e.ReadOnly))
	o.resources(e.Resources)
	o.member(`,"eventType":`, cmp.Or(e.EventType, APICall))
	o.member(`,"recipientAccountId":`, e.RecipientAccountID)
	o.details(`,"serviceEventDetails":`, e.ServiceEventDetails)
	if e.StoreRevision != 0 {
		o.raw(`,"storeRevision":`, strconv.FormatInt(e.StoreRevision, 10))
	}
	return append(onOneLine(o.text), `,"managementEvent":true,"eventCategory":"Management"}`+"\n"...)
}

func (r Resource) members(o *object) {
	o.member(`,"ARN":`, r.ARN)
	o.member(`,"accountId":`, r.AccountID)
	o.member(`,"type":`, r.Type)
}

// An object is the text of an unfinished JSON object. Every request writes an event, so it does not use
// reflection.
type object struct {
	text []byte
	texts
}

// name begins a member. name has the form `,"name":`, so that one append writes all of it; the first member of an
// object gets no comma.
func (o *object) name(name string) {
	if o.text[len(o.text)-1] == '{' {
		name = name[1:]
	}
	o.text = append(o.text, name...)
}

func (o *object) raw(name, value string) {
	o.name(name)
	o.text = append(o.text, value...)
}

func (o *object) member(name, value string) {
	o.name(name)
	begin := len(o.text)
	o.text = quote.Append(o.text, value)
	if len(o.text)-begin > o.most {
		o.text = quote.Append(o.text[:begin], o.shorten(value))
	}
}

func (o *object) optional(name, value string) {
	if value != "" {
		o.member(name, value)
	}
}

// time adds a time in UTC. It always writes three decimals, so that lines sort as text.
func (o *object) time(name string, t time.Time) {
	o.name(name)
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b := append(o.text, '"')
	b = append(digits(digits(b, year/100), year%100), '-')
	b = append(digits(b, int(month)), '-')
	b = append(digits(b, day), 'T')
	b = append(digits(b, hour), ':')
	b = append(digits(b, minute), ':')
	b = append(digits(b, second), '.')
	thousandths := t.Nanosecond() / 1e6
	o.text = append(digits(b, thousandths/10), byte('0'+thousandths%10), 'Z', '"')
}

// digits appends two digits.
func digits(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// details adds a value that is already JSON, unless it is nil.
func (o *object) details(name string, value []byte) {
	if value != nil {
		o.name(name)
		o.text = append(o.text, value...)
	}
}

// orNull adds a value that is already JSON, or null if it is nil.
func (o *object) orNull(name string, value []byte) {
	if value == nil {
		value = []byte("null")
	}
	o.details(name, value)
}

// open begins a member that is an object. Call close to end it.
func (o *object) open(name string) { o.raw(name, "{") }

func (o *object) close() { o.text = append(o.text, '}') }

func (o *object) resources(all []Resource) {
	if len(all) == 0 {
		return
	}
	o.raw(`,"resources":`, "[")
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

// onOneLine escapes U+2028 and U+2029, which some readers treat as line breaks.
func onOneLine(text []byte) []byte {
	const lead = 0xe2 // the first byte of both in UTF-8
	if bytes.IndexByte(text, lead) < 0 {
		return text
	}
	text = bytes.ReplaceAll(text, []byte("\u2028"), []byte(`\u2028`))
	return bytes.ReplaceAll(text, []byte("\u2029"), []byte(`\u2029`))
}

// Stamp returns a line with storeRevision added as its last member: the revision that the store had reached
// when the line was written to the log. A store with a lower revision than the stamps in its log was restored
// from an older copy.
func Stamp(line []byte, revision int64) []byte {
	stamped := append([]byte(nil), bytes.TrimSuffix(line, []byte("}\n"))...)
	return fmt.Appendf(stamped, ",\"storeRevision\":%d}\n", revision)
}

// Recovered returns a line with recoveredFrom added as its last member: the node that made the change. Another
// node writes the line to its own log, because it has taken over the events of this node. The ID of a node has only
// letters, digits and hyphens.
func Recovered(line []byte, node string) []byte {
	recovered := append([]byte(nil), bytes.TrimSuffix(line, []byte("}\n"))...)
	return fmt.Appendf(recovered, ",\"recoveredFrom\":%q}\n", node)
}

// ID returns the EventID of a line.
func ID(line []byte) (string, error) {
	id, _, err := parseLine(line)
	return id, err
}

var errNoEvent = errors.New("audit: not an event")

// parseLine returns the EventID and the stamp of a line. The revision is 0 if the line has no stamp.
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
