package sts

import (
	"reflect"
	"testing"
)

// ParseForm and Decode either reject a form or read all elements of each list.
func FuzzForm(f *testing.F) {
	f.Add([]byte("Action=AssumeRole&RoleArn=r&Tags.member.1.Key=k&Tags.member.1.Value=v&PolicyArns.member.1.arn=a"))
	f.Add([]byte("Tags.member.2.Key=k&TransitiveTagKeys.member.1=&PolicyArns="))
	f.Fuzz(func(t *testing.T, body []byte) {
		form, err := ParseForm(body)
		if err != nil {
			return
		}
		var in AssumeRoleRequest
		if form.Decode(&in) != nil {
			return
		}
		read := 0
		for name, value := range form {
			if prefix := "TransitiveTagKeys.member."; len(name) > len(prefix) && name[:len(prefix)] == prefix && value != "" {
				read++
			}
		}
		if read > len(in.TransitiveTagKeys) {
			t.Errorf("%d of %d keys were read", len(in.TransitiveTagKeys), read)
		}
		var again AssumeRoleRequest
		if form.Decode(&again) != nil || !reflect.DeepEqual(in, again) {
			t.Error("the decoded values differ from call to call")
		}
	})
}
