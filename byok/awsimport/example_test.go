package awsimport_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/byok/awsimport"
	"github.com/keyhold/keyhold/kmstest"
)

// A whole import: a key with an alias, the material for 90 days, and the proof that the server
// has exactly this material.
func importMaterial(ctx context.Context, client *kms.Client, alias string, material []byte, validTo time.Time) (keyARN string, err error) {
	k, err := awsimport.Find(ctx, client, alias)
	if awsimport.IsNotFound(err) {
		k, err = awsimport.Create(ctx, client, awsimport.NewKey{Alias: alias})
	}
	if err != nil {
		return "", err
	}
	p, err := awsimport.GetParameters(ctx, client, k, awsimport.Wrapping{})
	if err != nil {
		return "", err
	}
	w, err := p.Wrap(material)
	if err != nil {
		return "", err
	}
	id, err := awsimport.Import(ctx, client, w, validTo)
	if err != nil {
		return "", err
	}
	if err := awsimport.CheckID(w, id); err != nil { // only with a Keyhold server
		return "", err
	}
	return w.KeyARN, awsimport.Challenge(ctx, client, w.KeyARN, material) // only with a Keyhold server
}

func TestExample(t *testing.T) {
	s := kmstest.Start(t)
	material := make([]byte, 32)
	rand.Read(material)
	defer clear(material)

	first, err := importMaterial(t.Context(), s.Client, "alias/payments", material, s.Now().Add(90*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	// After 90 days the material has expired. The same material can be imported into the same key
	// again.
	s.Advance(90 * 24 * time.Hour)
	again, err := importMaterial(t.Context(), s.Client, "alias/payments", material, time.Time{})
	if again != first || err != nil {
		t.Errorf("%s, not %s: %v", again, first, err)
	}
}
