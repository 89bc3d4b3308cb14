package audit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The values of Event.EventType.
const (
	APICall      = "AwsApiCall"      // somebody asked
	ServiceEvent = "AwsServiceEvent" // the server acted of itself, as when material expires
)

// KeyResource is the Type of a Resource that is a KMS key.
const KeyResource = "AWS::KMS::Key"

// An Event says who asked for what, and what was decided. Its members are named
// and ordered as in "CloudTrail record contents" and the KMS pages "Examples of
// AWS KMS log entries". What it holds is written in the clear: the caller leaves
// out secrets, plaintext, ciphertext, tokens and signatures.
type Event struct {
	UserIdentity        Identity       `json:"userIdentity"`
	EventTime           Time           `json:"eventTime"`
	EventName           string         `json:"eventName"` // the operation
	AWSRegion           string         `json:"awsRegion"`
	SourceIPAddress     string         `json:"sourceIPAddress"`
	UserAgent           string         `json:"userAgent"`
	ErrorCode           string         `json:"errorCode,omitzero"` // absent when it went well
	ErrorMessage        string         `json:"errorMessage,omitzero"`
	RequestParameters   map[string]any `json:"requestParameters"` // nil: null
	ResponseElements    map[string]any `json:"responseElements"`  // nil: null
	AdditionalEventData map[string]any `json:"additionalEventData,omitzero"`
	RequestID           string         `json:"requestID,omitzero"`
	EventID             string         `json:"eventID"` // unique, such as a UUID
	ReadOnly            bool           `json:"readOnly"`
	Resources           []Resource     `json:"resources,omitempty"`
	EventType           string         `json:"eventType"` // empty: APICall
	RecipientAccountID  string         `json:"recipientAccountId"`
	ServiceEventDetails map[string]any `json:"serviceEventDetails,omitzero"`
	StoreRevision       int64          `json:"storeRevision,omitzero"` // as Stamp has it
}

// An Identity is the principal that asked, as far as it is known.
type Identity struct {
	Type        string `json:"type,omitzero"` // Root, IAMUser, AssumedRole
	PrincipalID string `json:"principalId,omitzero"`
	ARN         string `json:"arn,omitzero"`
	AccountID   string `json:"accountId,omitzero"`
	AccessKeyID string `json:"accessKeyId,omitzero"`
	UserName    string `json:"userName,omitzero"`
	InvokedBy   string `json:"invokedBy,omitzero"` // of a ServiceEvent
}

// A Resource is a thing that the event is about.
type Resource struct {
	ARN       string `json:"ARN"`
	AccountID string `json:"accountId"`
	Type      string `json:"type"`
}

// Time is an instant, written in RFC 3339, UTC, always with three decimals, so
// that lines sort as text.
type Time time.Time

// MarshalText writes t; a part smaller than a millisecond is dropped.
func (t Time) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}

// record is an Event between the members that are the same in all.
type record struct {
	EventVersion string `json:"eventVersion"`
	EventSource  string `json:"eventSource"`
	Event
	ManagementEvent bool   `json:"managementEvent"`
	EventCategory   string `json:"eventCategory"`
}

// Line returns e as one line of JSON with its newline at the end and no other:
// the bytes for the log and for the outbox, the same for the same event. Invalid
// UTF-8 becomes U+FFFD. It fails on a parameter that JSON cannot express.
func (e Event) Line() ([]byte, error) {
	e.EventType = cmp.Or(e.EventType, APICall)
	line, err := json.Marshal(record{"1.11", "kms.amazonaws.com", e, true, "Management"},
		json.Deterministic(true),
		json.FormatNilMapAsNull(true),
		// A user agent is whatever bytes the client sent; refusing them would
		// let a client choose to stay out of the log.
		jsontext.AllowInvalidUTF8(true),
		// Some readers split lines at U+2028 and U+2029 too.
		jsontext.EscapeForJS(true),
	)
	if err != nil {
		return nil, fmt.Errorf("audit: event %s: %w", e.EventID, err)
	}
	return append(line, '\n'), nil
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
		return "", 0, errors.New("audit: not an event: no eventID")
	}
	return e.EventID, e.StoreRevision, nil
}
