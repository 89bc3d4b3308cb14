package byok

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// parseAnswer parses the answer of GetParametersForImport, if the file contains one: JSON in
// which the AWS CLI prints the time as RFC 3339 text or as seconds since 1970. It ignores members
// that are neither text nor a number, such as ResponseMetadata.
func parseAnswer(file []byte) (p *Parameters, ok bool, err error) {
	var members map[string]json.RawMessage
	d := json.NewDecoder(bytes.NewReader(file))
	if d.Decode(&members) != nil || members["ImportToken"] == nil || members["PublicKey"] == nil ||
		members["Format"] != nil || members["WrappingAlgorithm"] != nil { // as Encode writes it
		return nil, false, nil
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, true, errors.New("something follows the JSON object")
	}
	f := &fields{members: map[string]string{}}
	for _, name := range []string{"KeyId", "ImportToken", "PublicKey"} {
		var text string
		if json.Unmarshal(members[name], &text) != nil || text == "" {
			return nil, true, fmt.Errorf("the member %s is missing or empty", name)
		}
		f.members[name] = text
	}
	p = &Parameters{KeyARN: f.arn("KeyId"), PublicKey: f.blob("PublicKey"), Token: f.blob("ImportToken")}
	if p.ValidTo, err = parseMoment(members["ParametersValidTo"]); err != nil {
		f.refuse("ParametersValidTo", "a time")
	}
	return p, true, f.err
}

// parseMoment parses a time: RFC 3339, which the AWS CLI 2 prints, or seconds, which the AWS CLI
// 1 and the API return.
func parseMoment(member json.RawMessage) (time.Time, error) {
	var text string
	if json.Unmarshal(member, &text) == nil {
		return time.Parse(time.RFC3339, text)
	}
	seconds, err := strconv.ParseFloat(string(member), 64)
	if err != nil || seconds < 0 || seconds > 1e11 {
		return time.Time{}, errors.New("byok: not a time")
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}
