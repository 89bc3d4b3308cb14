package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// The automatic rotation of a key is turned on with a period, changed, and turned off. What the server refuses is
// shown as the server says it.
func TestAutomaticRotation(t *testing.T) {
	t.Parallel()
	endpoint := startDev(t)
	c := client(endpoint)
	p := signedIn(t, endpoint)
	made, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	id := made.KeyMetadata.KeyId
	status := func(on bool, days int32) {
		t.Helper()
		s, err := c.GetKeyRotationStatus(t.Context(), &kms.GetKeyRotationStatusInput{KeyId: id})
		if err != nil {
			t.Fatal(err)
		}
		if s.KeyRotationEnabled != on || on && (s.RotationPeriodInDays == nil || *s.RotationPeriodInDays != days) {
			t.Errorf("the server has %v, not %v, %d days", s, on, days)
		}
		if on {
			p.see("on, every " + fmt.Sprint(days) + " days")
			p.see(s.NextRotationDate.UTC().Format("2006-01-02 15:04") + " UTC")
		}
	}
	p.visit("/keys/" + *id)
	p.see("Change the rotation")
	p.press("Change the rotation")
	p.fill("Rotation period in days", "180")
	p.press("Turn on automatic rotation")
	p.see("Turn off automatic rotation")
	status(true, 180)
	p.fill("Rotation period in days", "90")
	p.press("Save the period")
	p.see("on, every 90 days")
	status(true, 90)
	p.visit("/keys/" + *id)
	p.see("on, next ")
	p.press("Change the rotation")
	p.press("Turn off automatic rotation")
	p.see("Turn on automatic rotation")
	status(false, 0)
	p.press("Rotate the key on demand")
	p.see("earlier")

	if _, err := c.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	for _, button := range []string{"Turn on automatic rotation", "Rotate the key on demand"} {
		p.visit("/keys")
		p.visit("/keys/" + *id + "/material")
		p.press(button)
		p.see("DisabledException")
		p.see("Request ID")
		p.see("What to do")
	}
	status(false, 0)
}

// A key with imported key material is rotated on demand, if new key material waits, and never automatically.
func TestRotationOfImportedKey(t *testing.T) {
	t.Parallel()
	endpoint := startDev(t)
	p := signedIn(t, endpoint)
	k := createKey(t, client(endpoint), "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
	p.visit("/import/" + *k.KeyId)
	p.importText(randomHex(32))
	p.see("Imported and proved")
	p.press("Show its key material")
	p.see("To rotate the key on demand, import new key material first.")
	p.lacks("Rotate the key on demand")
	p.lacks("Turn on automatic rotation")
	p.press("Import new key material")
	p.importText(randomHex(32))
	p.see("The key material waits for a rotation.")
	p.visit("/keys/" + *k.KeyId + "/material")
	p.see("waits for a rotation")
	p.press("Rotate the key on demand")
	p.see("earlier")
	if shown := p.text(); strings.Contains(shown, "waits for a rotation") {
		t.Errorf("the key material still waits:\n%s", shown)
	}
}
