package key

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	rootARN = Principal("arn:aws:iam::111122223333:root")
	roleARN = Principal("arn:aws:iam::111122223333:role/team/app")
	vault   = "arn:aws:backup:eu-west-2:111122223333:backup-vault:one"
)

// newGrant returns a valid grant on a symmetric key.
func newGrant(change func(g *Grant)) Grant {
	g := Grant{ID: materialA, Account: account, Region: region, KeyID: uuid, IssuingAccount: account, CreationDate: noon,
		Grantee: roleARN, Operations: []string{"Encrypt", "Decrypt"}}
	if change != nil {
		change(&g)
	}
	return g
}

func pairs(n int) map[string]string {
	context := map[string]string{}
	for i := range n {
		context[fmt.Sprint(i)] = strings.Repeat("é", 384)
	}
	return context
}

func TestCheckOfAGrant(t *testing.T) {
	for name, test := range map[string]struct {
		change func(g *Grant)
		kind   Kind
	}{
		"right":                {nil, ""},
		"no operation":         {func(g *Grant) { g.Operations = nil }, KindValidation},
		"no grantee":           {func(g *Grant) { g.Grantee = "" }, KindValidation},
		"a group":              {func(g *Grant) { g.Grantee = "arn:aws:iam::111122223333:group/x" }, KindInvalidArn},
		"a group that retires": {func(g *Grant) { g.Retiring = "arn:aws:iam::111122223333:group/x" }, KindInvalidArn},
		"a retiring principal": {func(g *Grant) { g.Retiring = rootARN }, ""},
		"a service": {func(g *Grant) {
			g.Grantee, g.Retiring, g.Constraints.SourceARN = "backup.amazonaws.com", "backup.amazonaws.com", vault
		}, ""},
		"a service that a principal retires": {func(g *Grant) {
			g.Grantee, g.Retiring, g.Constraints.SourceARN = "backup.amazonaws.com", rootARN, vault
		}, ""},
		"a service without a source":         {func(g *Grant) { g.Grantee, g.Retiring = "backup.amazonaws.com", rootARN }, KindValidation},
		"a service without a retirer":        {func(g *Grant) { g.Grantee, g.Constraints.SourceARN = "backup.amazonaws.com", vault }, KindValidation},
		"a service of others":                {func(g *Grant) { g.Grantee, g.Retiring, g.Constraints.SourceARN = "backup.example.com", rootARN, vault }, KindValidation},
		"a source for a principal":           {func(g *Grant) { g.Constraints.SourceARN = vault }, ""},
		"a source that is not an ARN":        {func(g *Grant) { g.Constraints.SourceARN = "vault" }, KindInvalidArn},
		"the most pairs":                     {func(g *Grant) { g.Constraints.ContextEquals = pairs(8) }, ""},
		"the most pairs in the subset":       {func(g *Grant) { g.Constraints.ContextSubset = pairs(8) }, ""},
		"two constraints":                    {func(g *Grant) { g.Constraints.ContextEquals, g.Constraints.ContextSubset = pairs(1), pairs(1) }, KindValidation},
		"a pair too many that must be equal": {func(g *Grant) { g.Constraints.ContextEquals = pairs(9) }, KindValidation},
		"a pair too many in the subset":      {func(g *Grant) { g.Constraints.ContextSubset = pairs(9) }, KindValidation},
		"a value too long":                   {func(g *Grant) { g.Constraints.ContextSubset = map[string]string{"a": strings.Repeat("é", 385)} }, KindValidation},
	} {
		err := newGrant(test.change).Check()
		if test.kind != "" {
			wantError(t, err, test.kind, "")
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrincipals(t *testing.T) {
	for _, s := range []string{
		"arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/a", "arn:aws:iam::111122223333:user/div/team/a@b.c+d=e,f_g-h",
		"arn:aws:iam::111122223333:role/service-role/x", "arn:aws:sts::111122223333:assumed-role/x/session", "arn:aws:sts::111122223333:federated-user/x",
	} {
		if err := CheckPrincipal(s); err != nil || Principal(s).Account() != account || Principal(s).IsService() {
			t.Errorf("%s: %v, of account %s", s, err, Principal(s).Account())
		}
	}
	for _, s := range []string{
		"", "111122223333", "*", "root", "arn:aws:iam::111122223333:*", "arn:aws:iam::111122223333:root/x", "arn:aws:iam::111122223333:user", "arn:aws:iam::111122223333:user/",
		"arn:aws:iam::111122223333:user/a/", "arn:aws:iam::111122223333:user//a", "arn:aws:iam::111122223333:group/a", "arn:aws:iam::11112222333:root",
		"arn:aws:iam:eu-west-2:111122223333:root", "arn:aws:sts::111122223333:assumed-role/x", "arn:aws:sts::111122223333:assumed-role/x/y/z",
		"arn:aws:kms::111122223333:root", "arn:aws-cn:iam::111122223333:root", "ARN:aws:iam::111122223333:root", "arn:aws:iam::111122223333:root\n", "backup.amazonaws.com",
	} {
		wantError(t, CheckPrincipal(s), KindInvalidArn, "")
	}
	for s, good := range map[string]bool{
		"backup.amazonaws.com": true, "dynamodb.us-east-1.amazonaws.com": true, "x.amazonaws.com.cn": true,
		"": false, "amazonaws.com": false, ".amazonaws.com": false, "a..amazonaws.com": false, "backup.amazonaws.com.evil.org": false, "Backup.amazonaws.com": false, "arn:aws:iam::111122223333:root": false,
	} {
		if err := CheckService(s); (err == nil) != good || good && (!Principal(s).IsService() || Principal(s).Account() != "") {
			t.Errorf("%q as a service: %v", s, err)
		}
	}
}

// kindsOfKey lists the grant operations for each kind of key, according to the pages of the operations.
var kindsOfKey = map[string]string{
	"SYMMETRIC_DEFAULT ENCRYPT_DECRYPT":  "CreateGrant Decrypt DescribeKey Encrypt GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo RetireGrant",
	"RSA_2048 ENCRYPT_DECRYPT":           "CreateGrant Decrypt DescribeKey Encrypt GetPublicKey ReEncryptFrom ReEncryptTo RetireGrant",
	"RSA_4096 SIGN_VERIFY":               "CreateGrant DescribeKey GetPublicKey RetireGrant Sign Verify",
	"ECC_NIST_P256 SIGN_VERIFY":          "CreateGrant DescribeKey GetPublicKey RetireGrant Sign Verify",
	"ECC_NIST_P256 KEY_AGREEMENT":        "CreateGrant DeriveSharedSecret DescribeKey GetPublicKey RetireGrant",
	"HMAC_256 GENERATE_VERIFY_MAC":       "CreateGrant DescribeKey GenerateMac RetireGrant VerifyMac",
	"ML_KEM_768 ENCAPSULATE_DECAPSULATE": "CreateGrant Decapsulate DescribeKey Encapsulate GetPublicKey RetireGrant",
}

func TestOperationsOfAGrantFitTheKey(t *testing.T) {
	all := map[string]bool{}
	for _, operations := range kindsOfKey {
		for _, operation := range strings.Fields(operations) {
			all[operation] = true
		}
	}
	if len(all) != 19 {
		t.Errorf("%d operations", len(all))
	}
	for kind, operations := range kindsOfKey {
		f := strings.Fields(kind)
		k := externalKey(Enabled)
		k.Spec, k.Usage = Spec(f[0]), Usage(f[1])
		for operation := range all {
			err := k.CheckGrant(newGrant(func(g *Grant) { g.Operations = []string{"DescribeKey", operation} }))
			if slices.Contains(strings.Fields(operations), operation) {
				if err != nil {
					t.Errorf("%s on %s: %v", operation, kind, err)
				}
			} else {
				wantError(t, err, KindValidation, "")
			}
		}
		for _, constraints := range []GrantConstraints{{ContextEquals: pairs(0)}, {ContextSubset: pairs(1)}} {
			err := k.CheckGrant(newGrant(func(g *Grant) { g.Operations, g.Constraints = []string{"DescribeKey"}, constraints }))
			if (err == nil) != (f[0] == "SYMMETRIC_DEFAULT") {
				t.Errorf("a context on %s: %v", kind, err)
			}
		}
	}
}

func TestRequestOfAGrant(t *testing.T) {
	g := newGrant(nil)
	again := newGrant(func(g *Grant) {
		g.ID, g.CreationDate, g.Operations = materialB, noon.Add(day), []string{"Decrypt", "Encrypt"}
	})
	if a, b := fmt.Sprint(g.Request()), fmt.Sprint(again.Request()); a != b {
		t.Errorf("a repetition differs from its request: %s, %s", a, b)
	}
	if g.Operations[0] != "Encrypt" || g.ID == "" {
		t.Errorf("the grant was changed: %v", g)
	}
	other := newGrant(func(g *Grant) { g.Constraints.ContextEquals = map[string]string{} })
	if fmt.Sprintf("%#v", g.Request()) == fmt.Sprintf("%#v", other.Request()) {
		t.Error("a grant for no context is the same request as one for any")
	}
}

func TestGrantIDs(t *testing.T) {
	if err := CheckGrantID(materialA); err != nil {
		t.Error(err)
	}
	for _, s := range []string{"", materialA[1:], materialA + "a", strings.ToUpper(materialA), materialA + "\n", strings.Repeat("g", 64)} {
		wantError(t, CheckGrantID(s), KindInvalidGrantId, "")
	}
	if got := newGrant(nil).KeyARN(); got != keyARN {
		t.Error(got)
	}
}
