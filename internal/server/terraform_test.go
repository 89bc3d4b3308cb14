package server_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/kmstest"
)

// TestReadsLikeTerraform writes like Terraform and reads twice. Both results must be identical and contain the
// written values; otherwise Terraform would find changes in every plan.
func TestReadsLikeTerraform(t *testing.T) {
	s := kmstest.Start(t)
	call := func(operation, body string) string {
		t.Helper()
		a := send(t, s, "TrentService."+operation, body, nil)
		if a.status != 200 {
			t.Fatalf("%s: %s", operation, a.body)
		}
		return a.body
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Sid":"Ü","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + kmstest.Account + `:root"},"Action":"kms:*","Resource":"*"}]}`
	quoted, err := json.Marshal(policy)
	if err != nil {
		t.Fatal(err)
	}
	created := call("CreateKey", `{"Description":"","Origin":"EXTERNAL","Tags":[{"TagKey":"Name","TagValue":""},{"TagKey":"ümlaut","TagValue":"漢 +-=._:/@"}],"Policy":`+string(quoted)+`,"BypassPolicyLockoutSafetyCheck":true}`)
	id := regexp.MustCompile(`"KeyId":"([^"]+)"`).FindStringSubmatch(created)[1]
	key := `{"KeyId":"` + id + `"}`
	call("CreateAlias", `{"AliasName":"alias/app","TargetKeyId":"`+id+`"}`)
	call("TagResource", `{"KeyId":"`+id+`","Tags":[{"TagKey":"env","TagValue":"prod"}]}`)
	call("UpdateKeyDescription", `{"KeyId":"`+id+`","Description":"payroll <&> \u2028"}`)
	call("PutKeyPolicy", `{"KeyId":"`+id+`","PolicyName":"default","Policy":`+string(quoted)+`}`)

	for operation, want := range map[string]string{
		"DescribeKey":          `"Description":"payroll <&>`,
		"GetKeyPolicy":         string(quoted),
		"ListKeyPolicies":      `{"PolicyNames":["default"],"Truncated":false}`,
		"ListResourceTags":     `{"TagKey":"Name","TagValue":""}`,
		"GetKeyRotationStatus": `"KeyRotationEnabled":false`,
		"ListAliases":          `"AliasName":"alias/app"`,
	} {
		first, second := call(operation, key), call(operation, key)
		if first != second {
			t.Errorf("%s answers\n%s\nand then\n%s", operation, first, second)
		}
		if !strings.Contains(first, want) {
			t.Errorf("%s answers %s, without %s", operation, first, want)
		}
	}
	tags := call("ListResourceTags", key)
	for _, want := range []string{`{"TagKey":"env","TagValue":"prod"}`, `{"TagKey":"ümlaut","TagValue":"漢 +-=._:/@"}`} {
		if !strings.Contains(tags, want) {
			t.Errorf("%s is without %s", tags, want)
		}
	}
}
