package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/byok/awsimport"
)

// These are the statuses of material.
const (
	statusOK         = "ok"
	statusMissing    = "missing"
	statusExpires    = "expires"
	statusDiffers    = "differs"
	statusUndeclared = "undeclared"
	statusDeleting   = "deleting"
	statusNoKey      = "no key"
)

// A checkedMaterial is a line of keyhold import check. Manifest is empty for material that no manifest describes.
type checkedMaterial struct {
	Status              string
	KeyId               string
	KeyMaterialId       string `json:",omitempty"`
	MaterialFingerprint string `json:",omitempty"`
	Manifest            string `json:",omitempty"`
	ValidTo             string `json:",omitempty"` // on the server
	DaysLeft            int    // whole days; 0 without ValidTo
}

// A heldKey is what a server has for a key.
type heldKey struct {
	exists    bool
	deleting  bool
	materials []heldMaterial
	publicKey string // fingerprint, of a key with a private key
}

// in returns a connection to the same server, for another Region.
func (c *connection) in(region string) *connection {
	other := *c
	other.region = region
	other.Client = kms.New(c.Options(), func(o *kms.Options) { o.Region = region })
	return &other
}

// heldKey asks the server for a key. If the credentials may not get the public key, it stays unknown.
func (c *connection) heldKey(ctx context.Context, m *byok.Manifest) (h heldKey, err error) {
	out, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &m.KeyARN})
	if awsimport.IsNotFound(err) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	if out.KeyMetadata == nil || out.KeyMetadata.KeyId == nil {
		return h, c.mismatchError()
	}
	h.exists = true
	h.deleting = out.KeyMetadata.DeletionDate != nil || out.KeyMetadata.PendingDeletionWindowInDays != nil
	if h.materials, err = c.materialsOf(ctx, out.KeyMetadata); err != nil {
		return h, err
	}
	if m.PublicKey == "" || out.KeyMetadata.KeyState != types.KeyStateEnabled {
		return h, nil
	}
	public, err := c.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &m.KeyARN})
	if isCode(err, "AccessDeniedException") {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	h.publicKey = byok.Fingerprint(public.PublicKey)
	return h, nil
}

// compare compares the material of a key with its manifests.
func (h heldKey) compare(declared []declaredMaterial, now, end time.Time) (list []checkedMaterial) {
	var known []string
	for _, d := range declared {
		list = append(list, h.check(d, now, end))
		known = append(known, d.serverID())
	}
	if !h.exists || h.deleting {
		return list
	}
	for _, m := range h.materials {
		// The place of a material that differs has its own line already.
		if m.id != "" && !m.missing && !slices.Contains(known, m.id) && !has(list, statusDiffers) {
			list = append(list, lineOf(statusUndeclared, m, declared[0], now))
		}
	}
	return list
}

func has(list []checkedMaterial, status string) bool {
	return slices.ContainsFunc(list, func(m checkedMaterial) bool { return m.Status == status })
}

// serverID returns the ID that the server has for the material.
func (d declaredMaterial) serverID() string { return cmp.Or(d.KeyMaterialID, d.Fingerprint) }

// check returns the line of a manifest.
func (h heldKey) check(d declaredMaterial, now, end time.Time) checkedMaterial {
	m, found := h.find(d)
	status := statusOK
	switch {
	case !h.exists:
		status = statusNoKey
	case h.deleting:
		status = statusDeleting
	case h.publicKey != "" && h.publicKey != d.PublicKey:
		status = statusDiffers
	case !found && h.hasMaterial():
		status = statusDiffers
	case !found, m.missing:
		status = statusMissing
	case m.validTo != nil && !m.validTo.After(end):
		status = statusExpires
	}
	line := lineOf(status, m, d, now)
	line.KeyMaterialId, line.MaterialFingerprint, line.Manifest = d.KeyMaterialID, d.Fingerprint, d.file
	return line
}

func (h heldKey) hasMaterial() bool {
	return slices.ContainsFunc(h.materials, func(m heldMaterial) bool { return !m.missing })
}

// find returns what the server has in place of the declared material. The server shows IDs only for symmetric keys: the
// only material of another key is the one that was imported.
func (h heldKey) find(d declaredMaterial) (m heldMaterial, found bool) {
	for _, m := range h.materials {
		id := m.id
		if id == "" {
			id = aws.ToString(m.CurrentKeyMaterialId)
		}
		if id == d.serverID() || id == "" && d.KeySpec != symmetricSpec {
			return m, true
		}
	}
	return heldMaterial{}, false
}

// lineOf returns a line about material that the server has, or about nothing if m is zero.
func lineOf(status string, m heldMaterial, d declaredMaterial, now time.Time) checkedMaterial {
	line := checkedMaterial{Status: status, KeyId: d.KeyARN, KeyMaterialId: m.id}
	if m.validTo != nil && !m.missing {
		line.ValidTo, line.DaysLeft = formatTime(*m.validTo), daysLeft(*m.validTo, now)
	}
	return line
}

// escapeGlob returns a pattern that matches the path alone.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
