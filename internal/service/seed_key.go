package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

// seedKey makes a declared key of a dev server. The table of operations does not have it: only
// Seed carries it out.
var seedKey = change("SeedKey", asks{{Action: "keyhold:SeedKey"}}, checkSeedKey,
	func(c *call, in *api.SeedKeyRequest) (*api.CreateKeyResponse, error) {
		multi := key.IsMultiRegionID(*in.KeyId)
		k, err := newKey(c, &api.CreateKeyRequest{
			Origin:      in.Origin,
			Description: in.Description,
			Tags:        in.Tags,
			MultiRegion: &multi,
			KeySpec:     in.KeySpec,
			KeyUsage:    in.KeyUsage,
		})
		if err != nil {
			return nil, err
		}
		k.ID = *in.KeyId
		switch {
		case in.KeyMaterial != nil:
			crypt.Secretly(func() { k, err = c.giveMaterial(k, in.KeyMaterial, seedValidTo(in, c.now)) })
		case k.Origin == key.OriginAWSKMS:
			k, err = c.generateMaterial(k)
		}
		if err != nil {
			return nil, err
		}
		if !or(in.Enabled, true) {
			k = k.Disable()
		}
		if err := c.commitNew(k); err != nil {
			return nil, err
		}
		m, err := c.describe(k)
		return &api.CreateKeyResponse{KeyMetadata: m}, err
	})

// checkSeedKey applies to the ID and the expiry the rules of other operations. Package seed
// checks the other members, because it can name lines.
func checkSeedKey(in *api.SeedKeyRequest, now time.Time) error {
	if err := key.CheckChosenID(*in.KeyId); err != nil || in.ValidTo == nil {
		return err
	}
	return checkImport(&api.ImportKeyMaterialRequest{ValidTo: in.ValidTo}, now)
}

// seedValidTo returns when the material of a declared key expires if the key is made now. Zero
// means never.
func seedValidTo(in *api.SeedKeyRequest, now time.Time) time.Time {
	switch {
	case in.ValidTo != nil:
		return in.ValidTo.Time()
	case in.ValidityDays != nil:
		return now.Add(time.Duration(*in.ValidityDays) * 24 * time.Hour).Truncate(time.Millisecond)
	}
	return time.Time{}
}
