package key

import "testing"

func TestCheckAliasName(t *testing.T) {
	const (
		prefix   = `Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html`
		reserved = "The alias name must not begin with 'alias/aws/': that prefix is reserved."
		invalid  = " contains invalid characters for an alias"
	)
	for name, want := range map[string]string{
		"alias/mine":         "",
		"alias/My/own_key-2": "",
		"alias/awsome":       "",
		"alias/AWS/ebs":      "",
		"alias/x/aws/ebs":    "",
		"alias/alias/x":      "",
		"":                   prefix,
		"mine":               prefix,
		"alias":              prefix,
		"Alias/mine":         prefix,
		" alias/mine":        prefix,
		"alias/aws":          reserved,
		"alias/aws/":         reserved,
		"alias/aws/ebs":      reserved,
		"alias/":             "alias/" + invalid,
		"alias/a:b":          "alias/a:b" + invalid,
		"alias/a b":          "alias/a b" + invalid,
		"alias/mine\n":       "alias/mine\n" + invalid,
		"alias/é":            "alias/é" + invalid,
	} {
		err := CheckAliasName(name)
		if want != "" {
			kind := KindValidation
			if want == reserved {
				kind = KindInvalidAliasName
			}
			wantError(t, err, kind, want)
		} else if err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAliasARN(t *testing.T) {
	a := Alias{Name: "alias/mine", Account: account, Region: region, KeyID: uuid}
	if got := a.ARN(); got != "arn:aws:kms:eu-west-2:111122223333:alias/mine" {
		t.Error(got)
	}
}
