package audit

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func sample() Event {
	const account, arn = "111122223333", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	return Event{
		UserIdentity: Identity{
			Type: "IAMUser", PrincipalID: "AIDAEXAMPLE", ARN: "arn:aws:iam::111122223333:user/Alice",
			AccountID: account, AccessKeyID: "AKIAEXAMPLE", UserName: "Alice",
		},
		EventTime:          time.Date(2026, 3, 1, 13, 0, 0, 50_999_999, time.FixedZone("", 3600)),
		EventName:          "Decrypt",
		AWSRegion:          "eu-west-1",
		SourceIPAddress:    "192.0.2.7",
		UserAgent:          "aws-cli/2.31.0",
		RequestParameters:  []byte(`{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"a":"1","b":"2"},"keyId":"alias/a"}`),
		RequestID:          "e0eb83e3-63bc-41e4-bc2b-4198b6150d5c",
		EventID:            "91235988-eb87-476a-ac2c-0cdc244e6dca",
		ReadOnly:           true,
		Resources:          []Resource{{ARN: arn, AccountID: account, Type: KeyResource}},
		RecipientAccountID: account,
	}
}

func event(id string) Event { return Event{EventID: id} }

func mustLine(t testing.TB, e Event) []byte {
	t.Helper()
	line, err := e.Line()
	if err != nil {
		t.Fatal(err)
	}
	return line
}

const sampleLine = `{"eventVersion":"1.11","eventSource":"kms.amazonaws.com",` +
	`"userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/Alice",` +
	`"accountId":"111122223333","accessKeyId":"AKIAEXAMPLE","userName":"Alice"},` +
	`"eventTime":"2026-03-01T12:00:00.050Z","eventName":"Decrypt","awsRegion":"eu-west-1",` +
	`"sourceIPAddress":"192.0.2.7","userAgent":"aws-cli/2.31.0",` +
	`"requestParameters":{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"a":"1","b":"2"},"keyId":"alias/a"},` +
	`"responseElements":null,"requestID":"e0eb83e3-63bc-41e4-bc2b-4198b6150d5c",` +
	`"eventID":"91235988-eb87-476a-ac2c-0cdc244e6dca","readOnly":true,` +
	`"resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",` +
	`"accountId":"111122223333","type":"AWS::KMS::Key"}],"eventType":"AwsApiCall",` +
	`"recipientAccountId":"111122223333","managementEvent":true,"eventCategory":"Management"}` + "\n"

func TestLine(t *testing.T) {
	if got := mustLine(t, sample()); string(got) != sampleLine {
		t.Fatalf("got  %swant %s", got, sampleLine)
	}
	e := sample()
	e.Resources = append(e.Resources, Resource{ARN: "arn:2"})
	e.StoreRevision = 7
	e.ResponseElements, e.AdditionalEventData, e.ServiceEventDetails = []byte(`{"a":1}`), []byte(`{"b":2}`), []byte(`{"c":3}`)
	want := strings.Replace(sampleLine, `"}],`, `"},{"ARN":"arn:2","accountId":"","type":""}],`, 1)
	want = strings.Replace(want, `"responseElements":null`, `"responseElements":{"a":1},"additionalEventData":{"b":2}`, 1)
	want = strings.Replace(want, `"managementEvent"`, `"serviceEventDetails":{"c":3},"storeRevision":7,"managementEvent"`, 1)
	if got := mustLine(t, e); string(got) != want {
		t.Fatalf("got  %swant %s", got, want)
	}
}

func TestLineOfRefusalAndOfServiceEvent(t *testing.T) {
	refused := Event{ErrorCode: "AccessDenied", ErrorMessage: "no", RequestParameters: []byte("{}")}
	service := Event{EventType: ServiceEvent, UserIdentity: Identity{AccountID: "1", InvokedBy: "Internal"}}
	for _, test := range []struct {
		event    Event
		has, not []string
	}{
		{refused, []string{`"errorCode":"AccessDenied","errorMessage":"no","requestParameters":{}`, `"userIdentity":{}`},
			[]string{"resources", "requestID", "storeRevision", "additionalEventData", "serviceEventDetails"}},
		{service, []string{`"eventType":"AwsServiceEvent"`, `{"accountId":"1","invokedBy":"Internal"}`,
			`"requestParameters":null,"responseElements":null`},
			[]string{"errorCode", "errorMessage", "AwsApiCall"}},
	} {
		line := string(mustLine(t, test.event))
		for _, s := range test.has {
			if !strings.Contains(line, s) {
				t.Errorf("%s lacks %s", line, s)
			}
		}
		for _, s := range test.not {
			if strings.Contains(line, s) {
				t.Errorf("%s has %s", line, s)
			}
		}
	}
}

var hostile = []string{
	"a\nb", "a\r\nb", "\n", `","eventID":"forged`, "a\\", "\x00\x1b[2J", "\u2028\u2029", "a\xffb\xc3", "\xed\xa0\x80", "\U0010ffff",
}

func TestHostileStringsStayOneLine(t *testing.T) {
	for _, s := range hostile {
		e := Event{EventID: "id", UserAgent: s, ErrorMessage: s, Resources: []Resource{{ARN: s}}, RequestParameters: []byte("{\"k\":\"\u2028\"}")}
		line := mustLine(t, e)
		if i := bytes.IndexAny(line, "\n\r\x00\x1b\u2028\u2029"); i != len(line)-1 {
			t.Errorf("%q: %q", s, line)
		}
		if id, err := ID(line); id != "id" || err != nil {
			t.Errorf("%q: ID %q, %v", s, id, err)
		}
		var back map[string]any // decoded by encoding/json, an independent implementation
		if err := json.Unmarshal(line, &back); err != nil {
			t.Errorf("%q: %v", s, err)
		}
		if want := string([]rune(s)); back["userAgent"] != want {
			t.Errorf("%q came back as %q", s, back["userAgent"])
		}
	}
}

func TestLineRefusesMoreThanOne(t *testing.T) {
	for _, parameters := range []string{"{\n}", "{}\r", "\n", "\n{}", "\r{}", "{\r}"} {
		text := []byte(parameters)
		for _, e := range []Event{{RequestParameters: text}, {ResponseElements: text}, {AdditionalEventData: text}, {ServiceEventDetails: text}} {
			if line, err := e.Line(); err == nil {
				t.Errorf("%q: %s", parameters, line)
			}
		}
	}
}

func TestID(t *testing.T) {
	if id, err := ID([]byte(sampleLine)); id != sample().EventID || err != nil {
		t.Errorf("got %q, %v", id, err)
	}
	for _, bad := range []string{"", "\n", "{}\n", `{"eventid":"x"}`, `{"eventID":""}`, `{"eventID":1}`, sampleLine[:200],
		`{"eventID":"a","eventID":"b"}`, sampleLine + sampleLine, "\x00\x00" + sampleLine} {
		if id, err := ID([]byte(bad)); err == nil {
			t.Errorf("%q has ID %q", bad, id)
		}
	}
}

// Event times always have exactly three decimals.
func TestEventTimes(t *testing.T) {
	for nanoseconds, want := range map[int]string{
		0: "000", 999_999: "000", 1_000_000: "001", 10_000_000: "010", 123_456_789: "123", 100_000_000: "100", 205_000_000: "205", 909_000_000: "909", 999_999_999: "999",
	} {
		e := Event{EventID: "1", EventTime: time.Date(2026, 3, 1, 13, 0, 0, nanoseconds, time.FixedZone("", 3600))}
		line, err := e.Line()
		if part := `"eventTime":"2026-03-01T12:00:00.` + want + `Z"`; err != nil || !strings.Contains(string(line), part) {
			t.Errorf("%d ns: %s, %v; want %s", nanoseconds, line, err, part)
		}
	}
}
