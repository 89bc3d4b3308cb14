package service_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/kmstest"
)

const (
	accountARN = "arn:aws:iam::" + kmstest.Account + ":"
	rootARN    = accountARN + "root"
	appARN     = accountARN + "role/app"
	absentID   = "9665f33deb53dae5c4cf44ae98561b5fe291cfbb2ba15defec5905e3924e854b"
)

// grantInput returns a grant for the role of an app.
func grantInput(id *string, change func(in *kms.CreateGrantInput)) *kms.CreateGrantInput {
	in := &kms.CreateGrantInput{KeyId: id, GranteePrincipal: aws.String(appARN), Operations: []types.GrantOperation{"Encrypt", "Decrypt"}}
	if change != nil {
		change(in)
	}
	return in
}

func createGrant(t *testing.T, s *kmstest.Server, id *string, change func(in *kms.CreateGrantInput)) *kms.CreateGrantOutput {
	t.Helper()
	return must[*kms.CreateGrantOutput](t)(s.Client.CreateGrant(t.Context(), grantInput(id, change), once))
}

func listGrants(t *testing.T, s *kmstest.Server, in *kms.ListGrantsInput) (ids []string) {
	t.Helper()
	for p := kms.NewListGrantsPaginator(s.Client, in); p.HasMorePages(); {
		for _, g := range must[*kms.ListGrantsOutput](t)(p.NextPage(t.Context())).Grants {
			ids = append(ids, *g.GrantId)
		}
	}
	return ids
}

func retirable(t *testing.T, s *kmstest.Server, principal string) (ids []string) {
	t.Helper()
	for p := kms.NewListRetirableGrantsPaginator(s.Client, &kms.ListRetirableGrantsInput{RetiringPrincipal: &principal, Limit: aws.Int32(2)}); p.HasMorePages(); {
		for _, g := range must[*kms.ListRetirableGrantsOutput](t)(p.NextPage(t.Context())).Grants {
			ids = append(ids, *g.GrantId)
		}
	}
	return ids
}

func revoke(t *testing.T, s *kmstest.Server, id, grantID *string) error {
	t.Helper()
	_, err := s.Client.RevokeGrant(t.Context(), &kms.RevokeGrantInput{KeyId: id, GrantId: grantID})
	return err
}

func wantIDs(t *testing.T, what string, got []string, want ...*string) {
	t.Helper()
	ids := []string{}
	for _, id := range want {
		ids = append(ids, *id)
	}
	if slices.Sort(ids); !slices.Equal(slices.Sorted(slices.Values(got)), ids) {
		t.Errorf("%s: %q, want %q", what, got, ids)
	}
}

// A grant reads back as it was written.
func TestGrantReadsBack(t *testing.T) {
	s := kmstest.Start(t)
	id := createGenerated(t, s)
	before := s.Now().Add(-time.Second)
	made := createGrant(t, s, id, func(in *kms.CreateGrantInput) {
		in.Name, in.RetiringPrincipal = aws.String("the/app:1"), aws.String(rootARN)
		in.Operations = []types.GrantOperation{"RetireGrant", "Decrypt", "Decrypt", "CreateGrant"}
		in.Constraints = &types.GrantConstraints{
			EncryptionContextEquals: map[string]string{}, EncryptionContextSubset: map[string]string{"a": "", "☃": "é"},
			SourceArn: aws.String("arn:aws:s3:::bucket"),
		}
	})
	out := must[*kms.ListGrantsOutput](t)(s.Client.ListGrants(t.Context(), &kms.ListGrantsInput{KeyId: id}))
	if len(out.Grants) != 1 || out.Truncated || out.NextMarker != nil {
		t.Fatalf("%d grants, truncated %v", len(out.Grants), out.Truncated)
	}
	g := out.Grants[0]
	if aws.ToString(g.GrantId) != *made.GrantId || aws.ToString(g.KeyId) != arnPrefix+"key/"+*id || aws.ToString(g.Name) != "the/app:1" ||
		aws.ToString(g.GranteePrincipal) != appARN || aws.ToString(g.RetiringPrincipal) != rootARN || aws.ToString(g.IssuingAccount) != rootARN ||
		g.GranteeServicePrincipal != nil || g.RetiringServicePrincipal != nil || g.CreationDate.Before(before) || g.CreationDate.After(s.Now()) ||
		!slices.Equal(g.Operations, []types.GrantOperation{"RetireGrant", "Decrypt", "CreateGrant"}) {
		t.Errorf("%+v", g)
	}
	if c := g.Constraints; c == nil || c.EncryptionContextEquals != nil ||
		!maps.Equal(c.EncryptionContextSubset, map[string]string{"a": "", "☃": "é"}) || aws.ToString(c.SourceArn) != "arn:aws:s3:::bucket" {
		t.Errorf("%+v", c)
	}
	bare := createGrant(t, s, id, func(in *kms.CreateGrantInput) { in.Constraints = &types.GrantConstraints{} })
	out = must[*kms.ListGrantsOutput](t)(s.Client.ListGrants(t.Context(), &kms.ListGrantsInput{KeyId: id, GrantId: bare.GrantId}))
	if g := out.Grants[0]; g.Constraints != nil || g.Name != nil || g.RetiringPrincipal != nil {
		t.Errorf("%+v", g)
	}
}

// Requests with the same name and members return the same grant. The same name with other members
// creates another grant.
func TestGrantNames(t *testing.T) {
	s := kmstest.Start(t)
	id, other := createGenerated(t, s), createGenerated(t, s)
	named := func(in *kms.CreateGrantInput) { in.Name = aws.String("n") }
	first := createGrant(t, s, id, named)
	seen := map[string]string{*first.GrantToken: ""}
	for range 3 {
		again := createGrant(t, s, id, func(in *kms.CreateGrantInput) {
			named(in)
			in.Operations = []types.GrantOperation{"Decrypt", "Encrypt", "Encrypt"}
		})
		if _, twice := seen[*again.GrantToken]; twice || *again.GrantId != *first.GrantId {
			t.Errorf("again: %s, the same token %v; want %s", *again.GrantId, twice, *first.GrantId)
		}
		seen[*again.GrantToken] = ""
	}
	all := []*string{first.GrantId}
	for _, change := range []func(in *kms.CreateGrantInput){
		func(in *kms.CreateGrantInput) { in.Name = aws.String("N") },
		func(in *kms.CreateGrantInput) { in.Name = nil },
		func(in *kms.CreateGrantInput) { in.Name = nil },
		func(in *kms.CreateGrantInput) { in.GranteePrincipal = aws.String(rootARN) },
		func(in *kms.CreateGrantInput) { in.Operations = in.Operations[1:] },
		func(in *kms.CreateGrantInput) { in.RetiringPrincipal = aws.String(rootARN) },
		func(in *kms.CreateGrantInput) {
			in.Constraints = &types.GrantConstraints{EncryptionContextEquals: map[string]string{"a": "b"}}
		},
		func(in *kms.CreateGrantInput) {
			in.Constraints = &types.GrantConstraints{EncryptionContextSubset: map[string]string{"a": "b"}}
		},
	} {
		made := createGrant(t, s, id, func(in *kms.CreateGrantInput) { named(in); change(in) })
		if slices.Contains(all, made.GrantId) {
			t.Errorf("%s was given twice", *made.GrantId)
		}
		all = append(all, made.GrantId)
	}
	if made := createGrant(t, s, other, named); *made.GrantId == *first.GrantId {
		t.Error("a grant of another key")
	}
	wantIDs(t, "all", listGrants(t, s, &kms.ListGrantsInput{KeyId: id}), all...)
	// All tokens of one grant are equivalent and end with the grant. Then its name can be used
	// again.
	for token := range seen {
		mustSucceed(t, describeWith(t, s, id, token))
	}
	mustSucceed(t, revoke(t, s, id, first.GrantId))
	for token := range seen {
		wantError(t, describeWith(t, s, id, token), "InvalidGrantTokenException", "")
	}
	if made := createGrant(t, s, id, named); *made.GrantId == *first.GrantId {
		t.Error("a grant came back under its ID")
	}
}

func describeWith(t *testing.T, s *kmstest.Server, id *string, tokens ...string) error {
	t.Helper()
	_, err := s.Client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: id, GrantTokens: tokens}, once)
	return err
}

// Every operation with grant tokens accepts the tokens of existing grants and no others, and
// checks them before it looks for the key.
func TestGrantTokensEverywhere(t *testing.T) {
	s := kmstest.Start(t)
	id := createGenerated(t, s)
	blob := encrypt(t, s, id, "hello")
	made := createGrant(t, s, id, nil)
	gone := createGrant(t, s, id, nil)
	mustSucceed(t, revoke(t, s, id, gone.GrantId))
	foreign := kmstest.Start(t)
	theirs := createGrant(t, foreign, createGenerated(t, foreign), nil)
	calls := map[string]func(tokens []string) error{
		"CreateGrant": func(tokens []string) error {
			_, err := s.Client.CreateGrant(t.Context(), grantInput(id, func(in *kms.CreateGrantInput) { in.GrantTokens = tokens }))
			return err
		},
		"Decrypt": func(tokens []string) error {
			_, err := s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob, GrantTokens: tokens})
			return err
		},
		"DescribeKey": func(tokens []string) error { return describeWith(t, s, id, tokens...) },
		"Encrypt": func(tokens []string) error {
			_, err := s.Client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: id, Plaintext: []byte("x"), GrantTokens: tokens})
			return err
		},
		"GenerateDataKey": func(tokens []string) error {
			_, err := s.Client.GenerateDataKey(t.Context(), &kms.GenerateDataKeyInput{KeyId: id, KeySpec: "AES_256", GrantTokens: tokens})
			return err
		},
		"GenerateDataKeyWithoutPlaintext": func(tokens []string) error {
			_, err := s.Client.GenerateDataKeyWithoutPlaintext(t.Context(), &kms.GenerateDataKeyWithoutPlaintextInput{KeyId: id, KeySpec: "AES_256", GrantTokens: tokens})
			return err
		},
		"ReEncrypt": func(tokens []string) error {
			_, err := s.Client.ReEncrypt(t.Context(), &kms.ReEncryptInput{CiphertextBlob: blob, DestinationKeyId: id, GrantTokens: tokens})
			return err
		},
	}
	bad := map[string]string{
		"made up": "x", "no base64": *made.GrantToken + "!", "cut short": (*made.GrantToken)[4:], "altered": "AAAA" + (*made.GrantToken)[4:],
		"with a line break": *made.GrantToken + "\n", "of a grant that is gone": *gone.GrantToken, "of another deployment": *theirs.GrantToken, "a grant ID": *made.GrantId,
	}
	elsewhere := createGrant(t, s, createGenerated(t, s), nil)
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			mustSucceed(t, call([]string{*made.GrantToken}), call([]string{*elsewhere.GrantToken, *made.GrantToken}), call([]string{}))
			for what, token := range bad {
				if err := call([]string{*made.GrantToken, token}); err == nil {
					t.Errorf("a token %s is taken", what)
				} else {
					wantError(t, err, "InvalidGrantTokenException", "")
				}
			}
			wantError(t, call(slices.Repeat([]string{*made.GrantToken}, 11)), "ValidationException", "grantTokens")
		})
	}
	wantError(t, describeWith(t, s, aws.String(absentKey), "x"), "InvalidGrantTokenException", "")
	wantError(t, describeWith(t, s, aws.String(absentKey), *made.GrantToken), "NotFoundException", "")
}

func TestGrantRefusals(t *testing.T) {
	s := kmstest.Start(t)
	id, empty, off := createGenerated(t, s), createExternal(t, s), createGenerated(t, s)
	must[*kms.DisableKeyOutput](t)(s.Client.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: off}))
	for name, c := range map[string]struct {
		error, part string
		change      func(in *kms.CreateGrantInput)
	}{
		"of a key that is disabled":   {"DisabledException", "", func(in *kms.CreateGrantInput) { in.KeyId = off }},
		"of a key without material":   {"KMSInvalidStateException", "is pending import", func(in *kms.CreateGrantInput) { in.KeyId = empty }},
		"of no key":                   {"NotFoundException", "", func(in *kms.CreateGrantInput) { in.KeyId = aws.String(absentKey) }},
		"of a key of another account": {"AccessDeniedException", "kms:CreateGrant", func(in *kms.CreateGrantInput) { in.KeyId = aws.String(foreignPrefix + "key/" + *id) }},
		"of an alias":                 {"InvalidArnException", "", func(in *kms.CreateGrantInput) { in.KeyId = aws.String(arnPrefix + "alias/a") }},
		"to two":                      {"ValidationException", "GranteePrincipal", func(in *kms.CreateGrantInput) { in.GranteeServicePrincipal = aws.String("a.amazonaws.com") }},
		"to nobody":                   {"ValidationException", "GranteePrincipal", func(in *kms.CreateGrantInput) { in.GranteePrincipal = nil }},
		"to no principal":             {"InvalidArnException", "", func(in *kms.CreateGrantInput) { in.GranteePrincipal = aws.String("alice") }},
		"to everybody":                {"ValidationException", "granteePrincipal", func(in *kms.CreateGrantInput) { in.GranteePrincipal = aws.String("*") }},
		"that two retire": {"ValidationException", "RetiringPrincipal", func(in *kms.CreateGrantInput) {
			in.RetiringPrincipal, in.RetiringServicePrincipal = aws.String(rootARN), aws.String("a.amazonaws.com")
		}},
		"that nobody can retire": {"InvalidArnException", "", func(in *kms.CreateGrantInput) { in.RetiringPrincipal = aws.String("bob") }},
		"to no service": {"ValidationException", "", func(in *kms.CreateGrantInput) {
			in.GranteePrincipal, in.GranteeServicePrincipal = nil, aws.String(rootARN)
		}},
		"without operations": {"ValidationException", "", func(in *kms.CreateGrantInput) { in.Operations = []types.GrantOperation{} }},
		"with no such operation": {"ValidationException", "operations.2.member", func(in *kms.CreateGrantInput) {
			in.Operations = []types.GrantOperation{"Encrypt", "ScheduleKeyDeletion"}
		}},
		"with what the key cannot": {"ValidationException", "GenerateMac", func(in *kms.CreateGrantInput) { in.Operations = []types.GrantOperation{"GenerateMac"} }},
		"with a bad name":          {"ValidationException", "name", func(in *kms.CreateGrantInput) { in.Name = aws.String("a b") }},
		"for no resource":          {"InvalidArnException", "", func(in *kms.CreateGrantInput) { in.Constraints = &types.GrantConstraints{SourceArn: aws.String("x")} }},
		"with two constraints on the context": {"ValidationException", "More than one constraint supplied", func(in *kms.CreateGrantInput) {
			in.Constraints = &types.GrantConstraints{EncryptionContextEquals: map[string]string{"a": "1"}, EncryptionContextSubset: map[string]string{"b": "2"}}
		}},
		"with a long value": {"ValidationException", "", func(in *kms.CreateGrantInput) {
			in.Constraints = &types.GrantConstraints{EncryptionContextEquals: map[string]string{"a": strings.Repeat("x", 385)}}
		}},
		"as a dry run":                 {"DryRunOperationException", "", func(in *kms.CreateGrantInput) { in.DryRun = aws.Bool(true) }},
		"as a dry run that would fail": {"DisabledException", "", func(in *kms.CreateGrantInput) { in.KeyId, in.DryRun = off, aws.Bool(true) }},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Client.CreateGrant(t.Context(), grantInput(id, c.change), once)
			wantError(t, err, c.error, c.part)
		})
	}
	for _, k := range []*string{id, empty, off} {
		wantIDs(t, "after refusals", listGrants(t, s, &kms.ListGrantsInput{KeyId: k}))
	}
}

func TestRetireAndRevoke(t *testing.T) {
	s := kmstest.Start(t)
	id, other := createGenerated(t, s), createGenerated(t, s)
	arn := aws.String(arnPrefix + "key/" + *id)
	retire := func(in kms.RetireGrantInput) error {
		_, err := s.Client.RetireGrant(t.Context(), &in, once)
		return err
	}
	one, two, three := createGrant(t, s, id, nil), createGrant(t, s, id, nil), createGrant(t, s, id, nil)
	dry := aws.Bool(true)
	wantError(t, retire(kms.RetireGrantInput{GrantToken: one.GrantToken, DryRun: dry}), "DryRunOperationException", "")
	wantError(t, retire(kms.RetireGrantInput{KeyId: arn, GrantId: two.GrantId, DryRun: dry}), "DryRunOperationException", "")
	wantError(t, retire(kms.RetireGrantInput{KeyId: arn, GrantId: aws.String(absentID), DryRun: dry}), "NotFoundException", "")
	wantIDs(t, "after dry runs", listGrants(t, s, &kms.ListGrantsInput{KeyId: id}), one.GrantId, two.GrantId, three.GrantId)
	mustSucceed(t, retire(kms.RetireGrantInput{GrantToken: one.GrantToken}), retire(kms.RetireGrantInput{KeyId: arn, GrantId: two.GrantId}))
	for name, c := range map[string]struct {
		error string
		in    kms.RetireGrantInput
	}{
		"nothing":                        {"ValidationException", kms.RetireGrantInput{}},
		"a key alone":                    {"ValidationException", kms.RetireGrantInput{KeyId: arn}},
		"an ID alone":                    {"ValidationException", kms.RetireGrantInput{GrantId: three.GrantId}},
		"all":                            {"ValidationException", kms.RetireGrantInput{KeyId: arn, GrantId: three.GrantId, GrantToken: three.GrantToken}},
		"a token and its key":            {"ValidationException", kms.RetireGrantInput{KeyId: arn, GrantToken: three.GrantToken}},
		"no token":                       {"InvalidGrantTokenException", kms.RetireGrantInput{GrantToken: three.GrantId}},
		"no ID":                          {"InvalidGrantIdException", kms.RetireGrantInput{KeyId: arn, GrantId: aws.String("x")}},
		"an alias":                       {"InvalidArnException", kms.RetireGrantInput{KeyId: aws.String(arnPrefix + "alias/a"), GrantId: three.GrantId}},
		"a grant that was retired":       {"NotFoundException", kms.RetireGrantInput{KeyId: arn, GrantId: two.GrantId}},
		"a token that was retired":       {"NotFoundException", kms.RetireGrantInput{GrantToken: one.GrantToken}},
		"a grant on another key":         {"NotFoundException", kms.RetireGrantInput{KeyId: other, GrantId: three.GrantId}},
		"a grant on a key of no account": {"AccessDeniedException", kms.RetireGrantInput{KeyId: aws.String(foreignPrefix + "key/" + *id), GrantId: three.GrantId}},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, retire(c.in), c.error, "") })
	}
	for error, grantID := range map[string]*string{"InvalidGrantIdException": three.GrantToken, "NotFoundException": aws.String(absentID)} {
		if error == "InvalidGrantIdException" {
			grantID = aws.String((*grantID)[:64])
		}
		wantError(t, revoke(t, s, id, grantID), error, "")
	}
	wantError(t, revoke(t, s, other, three.GrantId), "NotFoundException", "")
	wantIDs(t, "after refusals", listGrants(t, s, &kms.ListGrantsInput{KeyId: id}), three.GrantId)
	// The operations accept keys in every state.
	schedule(t, s, id)
	mustSucceed(t, revoke(t, s, id, three.GrantId))
	s.Advance(8 * day)
	wantError(t, revoke(t, s, id, three.GrantId), "NotFoundException", "Key ")
	wantError(t, retire(kms.RetireGrantInput{GrantToken: three.GrantToken}), "NotFoundException", "Key ")
}

func TestListsOfGrants(t *testing.T) {
	s := kmstest.Start(t)
	id, other := createGenerated(t, s), createGenerated(t, s)
	to := func(id *string, grantee, retiring string) *string {
		return createGrant(t, s, id, func(in *kms.CreateGrantInput) {
			if in.GranteePrincipal = &grantee; retiring != "" {
				in.RetiringPrincipal = &retiring
			}
		}).GrantId
	}
	// The ARN of one principal is a prefix of another principal's ARN.
	a, ab := accountARN+"role/a", accountARN+"role/a/b"
	one, two, three, four := to(id, a, ab), to(id, ab, a), to(id, a, ""), to(other, a, a)
	for name, c := range map[string]struct {
		in   kms.ListGrantsInput
		want []*string
	}{
		"all":                   {kms.ListGrantsInput{KeyId: id}, []*string{one, two, three}},
		"of the other":          {kms.ListGrantsInput{KeyId: other}, []*string{four}},
		"by two":                {kms.ListGrantsInput{KeyId: id, Limit: aws.Int32(2)}, []*string{one, two, three}},
		"to a":                  {kms.ListGrantsInput{KeyId: id, GranteePrincipal: &a, Limit: aws.Int32(1)}, []*string{one, three}},
		"to a/b":                {kms.ListGrantsInput{KeyId: id, GranteePrincipal: &ab}, []*string{two}},
		"to nobody":             {kms.ListGrantsInput{KeyId: id, GranteePrincipal: aws.String(rootARN)}, nil},
		"one":                   {kms.ListGrantsInput{KeyId: id, GrantId: one}, []*string{one}},
		"one, and to a":         {kms.ListGrantsInput{KeyId: id, GrantId: one, GranteePrincipal: &a}, []*string{one}},
		"one, and to a/b":       {kms.ListGrantsInput{KeyId: id, GrantId: one, GranteePrincipal: &ab}, nil},
		"one of the other key":  {kms.ListGrantsInput{KeyId: id, GrantId: four}, nil},
		"one that there is not": {kms.ListGrantsInput{KeyId: id, GrantId: aws.String(absentID)}, nil},
	} {
		wantIDs(t, name, listGrants(t, s, &c.in), c.want...)
	}
	wantIDs(t, "retired by a", retirable(t, s, a), two, four)
	wantIDs(t, "retired by a/b", retirable(t, s, ab), one)
	wantIDs(t, "retired by root", retirable(t, s, rootARN))
	schedule(t, s, other)
	s.Advance(8 * day)
	wantIDs(t, "retired by a, when a key is gone", retirable(t, s, a), two)

	for error, in := range map[string]kms.ListGrantsInput{
		"InvalidGrantIdException": {KeyId: id, GrantId: aws.String("x")}, "InvalidArnException": {KeyId: id, GranteePrincipal: aws.String("x")},
		"ValidationException":    {KeyId: id, GranteePrincipal: &a, GranteeServicePrincipal: aws.String("a.amazonaws.com")},
		"AccessDeniedException":  {KeyId: id, GranteeServicePrincipal: aws.String("a.amazonaws.com")},
		"InvalidMarkerException": {KeyId: id, Marker: aws.String("x")}, "NotFoundException": {KeyId: aws.String(absentKey)},
	} {
		_, err := s.Client.ListGrants(t.Context(), &in, once)
		wantError(t, err, error, "")
	}
	for error, in := range map[string]kms.ListRetirableGrantsInput{
		"ValidationException": {}, "InvalidArnException": {RetiringPrincipal: aws.String("x")}, "InvalidMarkerException": {RetiringPrincipal: &a, Marker: aws.String("x")},
		"AccessDeniedException": {RetiringPrincipal: aws.String("arn:aws:iam::444455556666:root")},
	} {
		_, err := s.Client.ListRetirableGrants(t.Context(), &in, once)
		wantError(t, err, error, "")
	}
	_, err := s.Client.ListRetirableGrants(t.Context(), &kms.ListRetirableGrantsInput{RetiringServicePrincipal: aws.String("a.amazonaws.com")}, once)
	wantError(t, err, "AccessDeniedException", "service principal")
}

// Pages stay correct while grants are created and removed.
func TestPagesOfGrants(t *testing.T) {
	s := kmstest.Start(t)
	id := createGenerated(t, s)
	var all []string
	for range 9 {
		all = append(all, *createGrant(t, s, id, func(in *kms.CreateGrantInput) { in.RetiringPrincipal = aws.String(rootARN) }).GrantId)
	}
	slices.Sort(all)
	pages := map[string]listing{
		"ListGrants": func(marker *string, limit int32) (names []string, next *string, truncated bool) {
			out := must[*kms.ListGrantsOutput](t)(s.Client.ListGrants(t.Context(), &kms.ListGrantsInput{KeyId: id, Marker: marker, Limit: &limit}))
			return grantIDs(out.Grants), out.NextMarker, out.Truncated
		},
		"ListGrants of a grantee": func(marker *string, limit int32) (names []string, next *string, truncated bool) {
			out := must[*kms.ListGrantsOutput](t)(s.Client.ListGrants(t.Context(), &kms.ListGrantsInput{KeyId: id, Marker: marker, Limit: &limit, GranteePrincipal: aws.String(appARN)}))
			return grantIDs(out.Grants), out.NextMarker, out.Truncated
		},
		"ListRetirableGrants": func(marker *string, limit int32) (names []string, next *string, truncated bool) {
			out := must[*kms.ListRetirableGrantsOutput](t)(s.Client.ListRetirableGrants(t.Context(), &kms.ListRetirableGrantsInput{RetiringPrincipal: aws.String(rootARN), Marker: marker, Limit: &limit}))
			return grantIDs(out.Grants), out.NextMarker, out.Truncated
		},
	}
	for name, list := range pages {
		t.Run(name, func(t *testing.T) {
			ours := slices.Clone(all[:6])
			gone := ours[1] // the first page ends with this grant
			got := collect(t, 2, list, func(page int) {
				if page == 0 {
					mustSucceed(t, revoke(t, s, id, &gone))
				}
				createGrant(t, s, id, func(in *kms.CreateGrantInput) { in.RetiringPrincipal = aws.String(rootARN) })
			})
			wantStable(t, got, append(slices.Delete(ours, 1, 2), all[6:]...))
			all = slices.DeleteFunc(all, func(id string) bool { return id == gone })
		})
	}
}

func grantIDs(grants []types.GrantListEntry) (ids []string) {
	for _, g := range grants {
		ids = append(ids, *g.GrantId)
	}
	return ids
}
