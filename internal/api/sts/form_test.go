package sts

import (
	"net/http"
	"strings"
	"testing"

	"errors"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

func TestForms(t *testing.T) {
	for body, want := range map[string]string{
		"RoleArn=r&Tags.member.1.Key=k&Tags.member.1.Value=v&Unknown=1&PolicyArns=": "",
		"TransitiveTagKeys.member.1=a&TransitiveTagKeys.member.2=b":                 "",
		"RoleArn=r&RoleArn=s":         "the form has a parameter twice",
		"a=%zz":                       "the body is not a form",
		"a=1;b=2":                     "the body is not a form",
		strings.Repeat("&", 1000):     "the form has too many parameters",
		"PolicyArns.member.2.arn=x":   "the list PolicyArns has a gap",
		"PolicyArns.member.01.arn=x":  "the list PolicyArns has a gap",
		"PolicyArns.member.1.arn.x=x": "the list PolicyArns has a gap",
		"PolicyArns.1.arn=x":          "the list PolicyArns has a gap",
		"TransitiveTagKeys.member.1=a&TransitiveTagKeys.member.3=b": "the list TransitiveTagKeys has a gap",
		"PolicyArns=x":           "PolicyArns is a list",
		"DurationSeconds=1e3":    "DurationSeconds is not a number",
		"DurationSeconds=":       "DurationSeconds is not a number",
		"DurationSeconds=2**31":  "DurationSeconds is not a number",
		"Policy.member.1=hidden": "the list Policy has a gap",
	} {
		f, err := ParseForm([]byte(body))
		if err == nil {
			err = f.Decode(new(AssumeRoleRequest))
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", body, err, want)
		}
	}
}

// The official client reads the code and message of errors.
func TestErrorsMatchClient(t *testing.T) {
	for line := range strings.Lines(faults) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		fault := FaultOf(f[0])
		var sent string
		_, err := client(fault.Status, string(EncodeError("request-1", fault, "a <message>")), &sent).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		e, ok := errors.AsType[smithy.APIError](err)
		if !ok || e.ErrorCode() != f[1] || e.ErrorMessage() != "a <message>" {
			t.Errorf("%s: %v", f[0], err)
		}
	}
	if got := FaultOf("KMSInternalException"); got != (Fault{"InternalFailure", http.StatusInternalServerError}) {
		t.Errorf("an internal error is %v", got)
	}
}
