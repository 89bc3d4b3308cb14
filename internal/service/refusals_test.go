package service

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/sigv4"
)

func TestRefusals(t *testing.T) {
	s := openForTest(t)
	explain := func(id string) (string, error) {
		in := &api.ExplainSignatureRequest{}
		if id != "" {
			in.RequestId = &id
		}
		out, err := explainSignature.run(&call{Service: s}, in)
		if err != nil {
			return "", err
		}
		return *out.(*api.ExplainSignatureResponse).RequestId, nil
	}
	mismatch := key.Errorf(key.KindInvalidSignature, "mismatch")
	if _, err := explain(""); err == nil || !strings.Contains(err.Error(), "No signature was refused") {
		t.Errorf("none was refused: %v", err)
	}
	for i := range maxRefusals + 5 {
		s.RememberRefusal(fmt.Sprint("request ", i), sigv4.Examination{Target: "TrentService.ListKeys"}, mismatch)
	}
	// Refusals that no user asks about do not displace others.
	s.RememberRefusal("no signature", sigv4.Examination{}, key.Errorf(key.KindMissingAuthenticationToken, ""))
	s.RememberRefusal("the question", sigv4.Examination{Target: "KeyholdDev.ExplainSignature"}, mismatch)
	for id, want := range map[string]string{"": "request 24", "request 24": "request 24", "request 5": "request 5", "request 4": "", "no signature": "", "the question": ""} {
		got, err := explain(id)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q gives %q, %v", id, got, err)
		}
	}
	if len(s.refusals.kept) != maxRefusals {
		t.Errorf("%d are kept", len(s.refusals.kept))
	}
}
