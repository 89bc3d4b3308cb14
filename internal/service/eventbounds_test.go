package service

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

// fillWith sets every text of a request to the value, and gives lists and maps some elements.
func fillWith(v reflect.Value, text string, elements int) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillWith(v.Elem(), text, elements)
	case reflect.String:
		v.SetString(text)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fillWith(v.Field(i), text, elements)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), elements, elements))
		for i := range elements {
			fillWith(v.Index(i), text, elements)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range elements {
			v.SetMapIndex(reflect.ValueOf(fmt.Sprint(i, text)), reflect.ValueOf(text))
		}
	}
}

// A refused request leaves one event of at most 8 KiB, whatever a client sends in each member of
// each operation, known or unknown.
func TestEventsOfRefusalsHaveABound(t *testing.T) {
	o := newExplainTest(t)
	alice := o.user(explainAccount, "alice", doc(`{"Effect": "Deny", "Action": "*", "Resource": "*"}`))
	stranger := identity.Principal{Kind: identity.KindWebIdentity}
	refused := 0
	for name, op := range o.operations {
		for _, text := range []string{strings.Repeat("\x01", 40<<10), "arn:aws:iam::111122223333:role/" + strings.Repeat("x", 2000), ""} {
			for _, elements := range []int{1, 500} {
				if elements > 1 && len(text) > 4<<10 {
					continue
				}
				in := op.NewInput()
				fillWith(reflect.ValueOf(in).Elem(), text, elements)
				who := alice
				if op.Unsigned {
					who = stranger
				}
				id := fmt.Sprint(name, " ", len(text), " ", elements)
				_, err := o.Do(t.Context(), Request{ID: id, Caller: identity.Caller{Principal: who, Region: explainRegion}, SourceIP: "192.0.2.1", UserAgent: text, Operation: op, Input: in})
				if err == nil {
					continue
				}
				refused++
				if e, ok := err.(*key.Error); ok && len(e.Message) > 64<<10 {
					t.Errorf("%s: a message of %d bytes", id, len(e.Message))
				}
				if lines := o.linesOf(id); len(lines) != 1 || len(lines[0]) > 8<<10 {
					t.Errorf("%s: %d events, the first with %d bytes", id, len(lines), len(strings.Join(lines, "")))
				}
			}
		}
	}
	if refused < 2*len(o.operations) {
		t.Errorf("only %d requests were refused", refused)
	}
}

// linesOf returns the lines of the audit log about a request.
func (o *explainTest) linesOf(requestID string) (all []string) {
	o.Helper()
	log, err := os.ReadFile(o.logPath)
	if err != nil {
		o.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, `"requestID":"`+requestID+`"`) {
			all = append(all, line)
		}
	}
	return all
}

// The largest accepted policies and descriptions appear in their events, which have at most 64
// KiB.
func TestEventsOfChangesKeepDocuments(t *testing.T) {
	o := newExplainTest(t)
	k := o.key(root, "")
	quote := `{"Sid": "Q", "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringEquals": {"kms:EncryptionContext:a": "`
	for name, policy := range map[string]string{
		"spaces":      doc(strings.Repeat(" ", 32000) + toAccount),
		"line ends":   doc(strings.Repeat("\n", 32000) + toAccount),
		"tabs":        doc(strings.Repeat("\t", 32000) + toAccount),
		"backslashes": doc(toAccount, quote+strings.Repeat(`\\`, 15900)+`"}}}`),
	} {
		_, id, err := o.as(root, "PutKeyPolicy", &api.PutKeyPolicyRequest{KeyId: &k.ID, Policy: &policy})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var e struct {
			RequestParameters map[string]any `json:"requestParameters"`
		}
		var lines []string
		for lines = o.linesOf(id); len(lines) == 0; lines = o.linesOf(id) { // the event of a change is written later
		}
		if err := json.Unmarshal([]byte(lines[0]), &e); err != nil || len(lines[0]) > 64<<10 {
			t.Fatalf("%s: %d bytes, %v", name, len(lines[0]), err)
		}
		var in api.PutKeyPolicyRequest
		text, err := json.Marshal(e.RequestParameters)
		if err != nil {
			t.Fatal(err)
		}
		op, _ := o.Find("PutKeyPolicy")
		if lost, err := op.shape.Recall(text, &in); err != nil || lost != nil || *in.Policy != policy {
			t.Errorf("%s: the event is without the policy: %q, %v", name, lost, err)
		}
	}
}
