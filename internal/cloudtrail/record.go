package cloudtrail

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// fields are the members of a record by "CloudTrail record contents for management, data, and network activity events",
// version 1.11.
var fields = fieldSet(`
eventTime eventVersion userIdentity eventSource eventName awsRegion sourceIPAddress userAgent errorCode errorMessage
requestParameters responseElements additionalEventData requestID eventID eventType apiVersion managementEvent readOnly
resources recipientAccountId serviceEventDetails sharedEventID vpcEndpointId vpcEndpointAccountId eventCategory addendum
sessionCredentialFromConsole eventContext edgeDeviceDetails tlsDetails`)

func fieldSet(text string) map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(text) {
		set[name] = true
	}
	return set
}

// additional is the member for data that is not part of the request or its response.
const additional = "additionalEventData"

// ours is the member of additionalEventData with what CloudTrail does not have.
const ours = "keyhold"

// A Record is an event in the form of CloudTrail.
type Record struct {
	Text            []byte // a JSON object
	ID              string
	Account, Region string
	Time            time.Time
	Recovered       bool // the log of another node may have the event too
}

// Parse returns the record of a line. Members that CloudTrail does not have, and the thousandths of the time, become
// members of additionalEventData.keyhold.
func Parse(line []byte) (r Record, err error) {
	members, err := membersOf(line)
	if err != nil {
		return r, fmt.Errorf("not an event: %w", err)
	}
	own := []member{}
	kept := members[:0]
	for _, m := range members {
		if err := r.note(m); err != nil {
			return r, err
		}
		switch {
		case m.name == "eventTime":
			own = append(own, m)
			kept = append(kept, member{m.name, quote(r.Time.Format(time.RFC3339))})
		case fields[m.name]:
			kept = append(kept, m)
		default:
			own = append(own, m)
		}
	}
	if r.ID == "" || r.Time.IsZero() {
		return r, errors.New("not an event: it has no eventID or no eventTime")
	}
	if kept, err = addOurs(kept, own); err != nil {
		return r, err
	}
	r.Text = objectOf(kept)
	return r, nil
}

// note takes the value of a member that groups records.
func (r *Record) note(m member) (err error) {
	switch m.name {
	case "eventID":
		r.ID, err = unquote(m.value)
	case "recipientAccountId":
		r.Account, err = unquote(m.value)
	case "awsRegion":
		r.Region, err = unquote(m.value)
	case "recoveredFrom":
		r.Recovered = true
	case "eventTime":
		var text string
		if text, err = unquote(m.value); err == nil {
			r.Time, err = time.Parse(time.RFC3339, text)
			r.Time = r.Time.UTC().Truncate(time.Second)
		}
	}
	if err != nil {
		return fmt.Errorf("not an event: %s: %w", m.name, err)
	}
	return nil
}

// A member is a member of a JSON object.
type member struct {
	name  string
	value []byte
}

// membersOf returns the members of an object, in order.
func membersOf(text []byte) (all []member, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return nil, errors.Join(errors.New("it is not a JSON object"), err)
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		m := member{name: name.String()}
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		m.value = bytes.Clone(value)
		all = append(all, m)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	if d.PeekKind() != 0 || d.InputOffset() != int64(len(bytes.TrimRight(text, " \t\r\n"))) {
		return nil, errors.New("there is text after the object")
	}
	return all, nil
}

// addOurs adds members to additionalEventData.keyhold.
func addOurs(members, own []member) ([]member, error) {
	extra := member{ours, objectOf(own)}
	for i, m := range members {
		if m.name != additional {
			continue
		}
		if string(m.value) == "null" {
			m.value = []byte("{}")
		}
		data, err := membersOf(m.value)
		if err != nil {
			return nil, fmt.Errorf("not an event: %s: %w", additional, err)
		}
		members[i].value = objectOf(append(data, extra))
		return members, nil
	}
	return append(members, member{additional, objectOf([]member{extra})}), nil
}

func objectOf(members []member) []byte {
	b := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, quote(m.name)...), ':'), m.value...)
	}
	return append(b, '}')
}

func quote(text string) []byte {
	b, _ := jsontext.AppendQuote(nil, text) // the text was valid
	return b
}

func unquote(value []byte) (text string, err error) {
	err = json.Unmarshal(value, &text)
	return text, err
}
