package key

import (
	"strings"
	"testing"
)

func TestParseReference(t *testing.T) {
	const prefix, foreign = "arn:aws:kms:eu-west-2:111122223333:", "arn:aws:kms:eu-west-2:999988887777:"
	for _, test := range []struct {
		in, account, keyID, alias string
		keyKind                   Kind // error of operations that accept no alias
	}{
		{uuid, account, uuid, "", ""},
		{mrk, account, mrk, "", ""},
		{prefix + "key/" + uuid, account, uuid, "", ""},
		{prefix + "key/" + mrk, account, mrk, "", ""},
		{foreign + "key/" + uuid, "999988887777", uuid, "", ""},
		{"alias/mine", account, "", "alias/mine", KindNotFound},
		{"alias/my/own_2", account, "", "alias/my/own_2", KindNotFound},
		{"alias/" + uuid, account, "", "alias/" + uuid, KindNotFound},
		{prefix + "alias/mine", account, "", "alias/mine", KindInvalidArn},
		{foreign + "alias/aws/ebs", "999988887777", "", "alias/aws/ebs", KindInvalidArn},
	} {
		want := Reference{test.account, region, test.keyID, test.alias}
		got, err := ParseReference(test.in, account, region)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", test.in, got, err)
		}
		if strings.HasPrefix(test.in, "arn:") && got.ARN() != test.in || !strings.HasSuffix(got.ARN(), test.in) {
			t.Errorf("%s has the ARN %s", test.in, got.ARN())
		}
		got, err = ParseKeyReference(test.in, account, region)
		if test.keyKind != "" {
			wantError(t, err, test.keyKind, "")
			want = Reference{}
		} else if err != nil {
			t.Errorf("%s: %v", test.in, err)
		}
		if got != want {
			t.Errorf("%s as a key: %+v", test.in, got)
		}
	}
}

func TestParseReferenceRefuses(t *testing.T) {
	const prefix = "arn:aws:kms:eu-west-2:111122223333:"
	badARN := func(s string) string { return "Invalid arn '" + s + "'" }
	badID := func(s string) string { return "Invalid keyId '" + s + "'" }
	otherRegion := func(s string) string { return "Invalid arn " + strings.Split(s, ":")[3] }
	for _, test := range []struct {
		in      string
		kind    Kind
		message func(string) string
	}{
		{"", KindNotFound, badID},
		{"mine", KindNotFound, badID},
		{"Alias/mine", KindNotFound, badID},
		{"key/" + uuid, KindNotFound, badID},
		{uuid[:35], KindNotFound, badID},
		{uuid + "0", KindNotFound, badID},
		{uuid + "\n", KindNotFound, badID},
		{" " + uuid, KindNotFound, badID},
		{strings.ToUpper(uuid), KindNotFound, badID},
		{strings.ReplaceAll(uuid, "-", ""), KindNotFound, badID},
		{mrk[:35], KindNotFound, badID},
		{strings.ToUpper(mrk), KindNotFound, badID},
		{"mrk-" + uuid, KindNotFound, badID},
		{"ARN" + strings.TrimPrefix(keyARN, "arn"), KindNotFound, badID},
		{prefix + "key/mine", KindNotFound, badID},
		{prefix + "key/", KindNotFound, badID},
		{prefix + "key/" + uuid + "/more", KindNotFound, badID},
		{prefix + "key/" + uuid + ":more", KindNotFound, badID},
		{"arn:", KindInvalidArn, badARN},
		{"arn:aws:kms:eu-west-2:111122223333", KindInvalidArn, badARN},
		{prefix, KindInvalidArn, badARN},
		{prefix + uuid, KindInvalidArn, badARN},
		{prefix + "Key/" + uuid, KindInvalidArn, badARN},
		{prefix + "grant/" + uuid, KindInvalidArn, badARN},
		{"arn:aws-cn:kms:eu-west-2:111122223333:key/" + uuid, KindInvalidArn, badARN},
		{"arn::kms:eu-west-2:111122223333:key/" + uuid, KindInvalidArn, badARN},
		{"arn:aws:s3:eu-west-2:111122223333:key/" + uuid, KindInvalidArn, badARN},
		{"arn:aws:kms::111122223333:key/" + uuid, KindInvalidArn, badARN},
		{"arn:aws:kms:EU-WEST-2:111122223333:key/" + uuid, KindInvalidArn, badARN},
		{"arn:aws:kms:eu-west-2::key/" + uuid, KindInvalidArn, badARN},
		{"arn:aws:kms:eu-west-2:11112222333:key/" + uuid, KindInvalidArn, badARN},
		{"arn:aws:kms:eu-west-2:1111222233334:key/" + uuid, KindInvalidArn, badARN},
		{"arn:aws:kms:eu-west-2:11112222333x:key/" + uuid, KindInvalidArn, badARN},
		{"arn:aws:kms:eu-west-1:111122223333:key/" + uuid, KindNotFound, otherRegion},
		{"arn:aws:kms:eu-west-1:111122223333:alias/mine", KindNotFound, otherRegion},
	} {
		for name, parse := range map[string]func(string, string, string) (Reference, error){"any": ParseReference, "key": ParseKeyReference} {
			t.Run(name+" "+test.in, func(t *testing.T) {
				got, err := parse(test.in, account, region)
				wantError(t, err, test.kind, test.message(test.in))
				if got != (Reference{}) {
					t.Errorf("and %+v", got)
				}
			})
		}
	}
}

// "key/alias/mine" names neither a key nor an alias. A policy statement about the ARN of an alias must not be
// bypassed by another spelling of the ARN.
func TestAliasBehindKeyPrefix(t *testing.T) {
	for _, resource := range []string{"key/alias/mine", "key/alias/"} {
		in := ARN(account, region, resource)
		got, err := ParseReference(in, account, region)
		wantError(t, err, KindNotFound, "Invalid keyId '"+in+"'")
		if got != (Reference{}) {
			t.Errorf("%s is parsed as %+v", in, got)
		}
	}
}

func TestValidForms(t *testing.T) {
	long := strings.Repeat("a", 28) + "-b-1" // 32 characters
	for _, test := range []struct {
		name  string
		valid func(string) bool
		good  []string
		bad   []string
	}{
		{"ID", ValidID, []string{uuid, mrk, strings.Repeat("0", 8) + "-0000-0000-0000-" + strings.Repeat("f", 12)},
			[]string{"", uuid + "\n", "x" + uuid[1:], strings.Replace(uuid, "-", "_", 1), "MRK" + mrk[3:]}},
		{"account", ValidAccount, []string{account, "000000000000"}, []string{"", "11112222333", account + "4", account + "\n", "11112222333a", "١١١١٢٢٢٢٣٣٣٣"}},
		{"Region", ValidRegion, []string{"eu-west-2", "us-gov-west-1", "ap-southeast-12", "a-b-1", long},
			[]string{"", "eu", "eu-2", "eu-west", "eu-west-2a", "eu-west-2\n", "-west-2", "eu--2", "EU-west-2", "a-b-c-d-1", "a" + long}},
	} {
		for _, s := range test.good {
			if !test.valid(s) {
				t.Errorf("%q is a valid %s", s, test.name)
			}
		}
		for _, s := range test.bad {
			if test.valid(s) {
				t.Errorf("%q is not a valid %s", s, test.name)
			}
		}
	}
	if len(uuid) != IDLength || len(mrk) != IDLength {
		t.Error("IDLength is not the length of an ID")
	}
}
