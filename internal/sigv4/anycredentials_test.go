package sigv4

import (
	"cmp"
	"reflect"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

// anyConfig returns a configuration with one access key that admits all others.
func anyConfig() Config {
	c := config()
	c.Admit = identity.AnyCredentials("999988887777")
	return c
}

func TestAnyCredentials(t *testing.T) {
	for _, c := range []struct {
		name    string
		signer  signer
		account string
	}{
		{"the known key", signer{}, account},
		{"an unknown key", signer{id: "AKIAUNKNOWN"}, "999988887777"},
		{"an unknown key with another secret", signer{id: "AKIAUNKNOWN", secret: "x"}, "999988887777"},
		{"temporary credentials", signer{id: "ASIAUNKNOWN", token: "a token"}, "999988887777"},
		{"twelve digits", signer{id: "444455556666"}, "444455556666"},
		{"twelve digits, temporary", signer{id: "444455556666", token: "a token"}, "444455556666"},
		{"zeros", signer{id: "000000000000"}, "000000000000"},
		{"eleven digits", signer{id: "44445555666"}, "999988887777"},
		{"thirteen digits", signer{id: "4444555566667"}, "999988887777"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := verify(NewVerifier(anyConfig()), signedRequest(t, c.signer, body), []byte(body), "kms")
			if err != nil {
				t.Fatal(err)
			}
			want := identity.Root(c.account)
			want.AccessKeyID = cmp.Or(c.signer.id, exampleID)
			if !reflect.DeepEqual(got.Principal, want) || got.Region != region {
				t.Errorf("got %+v in %s, want %+v", got.Principal, got.Region, want)
			}
		})
	}
}

// With any credentials, Verify makes the same checks in the same order and returns the same
// errors, but accepts every signature of an unknown access key.
func TestAnyCredentialsRefusals(t *testing.T) {
	unknown := signer{id: "AKIAUNKNOWN"}
	for _, c := range []struct {
		name    string
		signer  signer
		after   change
		kind    key.Kind
		message string
	}{
		{"no Authorization", unknown, del("Authorization"), key.KindMissingAuthenticationToken, "Missing Authentication Token"},
		{"malformed signature", unknown, authorize("Signature=", "Signature=0"), key.KindIncompleteSignature, badSignature},
		{"malformed access key ID", unknown, authorize("AKIAUNKNOWN", "AKIA-UNKNOWN"), key.KindIncompleteSignature, badID},
		{"no date", unknown, del("X-Amz-Date"), key.KindIncompleteSignature, noDate},
		{"service", signer{id: "AKIAUNKNOWN", service: "s3"}, nil, key.KindInvalidSignature, "Credential should be scoped to correct service: 'kms'."},
		{"Region", signer{id: "AKIAUNKNOWN", region: "us-east-1"}, nil, key.KindInvalidSignature, badRegion},
		{"expired", signer{id: "AKIAUNKNOWN", at: wallTime().Add(-6 * time.Minute)}, nil, key.KindInvalidSignature,
			"Signature expired: 20260101T000400Z is now earlier than 20260101T000500Z (20260101T001000Z - 5 min.)"},
		{"host not signed", unknown, authorize(";host", ""), key.KindInvalidSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"target twice", unknown, add("X-Amz-Target", "TrentService.ScheduleKeyDeletion"), key.KindInvalidSignature, "The request has more than one 'X-Amz-Target' header."},
		{"token not signed", unknown, set("X-Amz-Security-Token", "t"), key.KindInvalidSignature, "'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization."},
		{"payload", unknown, set("Content-Encoding", "aws-chunked"), key.KindInvalidSignature, "The content encoding 'aws-chunked' is not supported."},
		{"query", unknown, setTarget("/?a=b"), key.KindIncompleteSignature, badTarget},

		{"known key, wrong secret", signer{secret: "wrong"}, nil, key.KindInvalidSignature, mismatch},
		{"known key, altered", signer{}, set("X-Amz-Target", "TrentService.ScheduleKeyDeletion"), key.KindInvalidSignature, mismatch},
		{"known key, session token", signer{token: "t"}, nil, key.KindUnrecognizedClient, unknownKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := signedRequest(t, c.signer, body)
			if c.after != nil {
				c.after(r)
			}
			caller, err := verify(NewVerifier(anyConfig()), r, []byte(body), "kms")
			wantRefusal(t, err, c.kind, c.message)
			if !reflect.DeepEqual(caller, identity.Caller{}) {
				t.Errorf("a refused caller is %+v", caller)
			}
		})
	}
	r := signedRequest(t, signer{id: "AKIAUNKNOWN"}, body)
	r.Header.Set("X-Amz-Content-Sha256", sha256Hex("another body"))
	authorize(";x-amz-date", ";x-amz-content-sha256;x-amz-date")(r)
	_, err := verify(NewVerifier(anyConfig()), r, []byte(body), "kms")
	wantRefusal(t, err, key.KindInvalidSignature, "The provided 'x-amz-content-sha256' header does not match what was computed.")
}

// Any credentials do not include a known access key without a secret.
func TestAnyCredentialsWithoutSecret(t *testing.T) {
	cfg := anyConfig()
	cfg.Lookup = lookupOf(identity.AccessKey{ID: "NOSECRET", Principal: identity.Root(account)})
	_, err := verify(NewVerifier(cfg), signedRequest(t, signer{id: "NOSECRET"}, body), []byte(body), "kms")
	wantRefusal(t, err, key.KindUnrecognizedClient, unknownKey)
}
