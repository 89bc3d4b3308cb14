package service

import (
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// The keys that SealRotate replaces.
const (
	rotateRoot = "Root"
	rotateData = "Data"
)

// SealRotate makes a new root key or a new data key. It is not part of the KMS API. After a new data key, all records
// are sealed again in the background.
var sealRotate = change("SealRotate", asks{{Action: "keyhold:SealRotate", May: mayInDeployment}}, checkSealRotate,
	func(c *call, in *api.SealRotateRequest) (*api.SealRotateResponse, error) {
		prepare := c.seals.RotateRoot
		if *in.Key == rotateData {
			prepare = c.seals.RotateData
		}
		prepared, err := prepare(c.ctx)
		if err != nil {
			return nil, refuseSeal(err)
		}
		d, out := prepared.Keyring, &api.SealRotateResponse{}
		out.Version = new(int64(d.Roots[len(d.Roots)-1].Version))
		if *in.Key == rotateData {
			out.Version = new(int64(d.Keys[len(d.Keys)-1].Version))
		}
		for _, custody := range d.Custodies {
			if custody.Lags {
				out.Lagging = append(out.Lagging, custody.ID)
			}
		}
		c.details.response = fmt.Appendf(nil, `{"version":%d}`, *out.Version)
		if err := c.commit(prepared.Put); err != nil {
			return nil, refuseSeal(err)
		}
		prepared.Made()
		return out, nil
	})

func checkSealRotate(in *api.SealRotateRequest, _ time.Time) error {
	if *in.Key != rotateRoot && *in.Key != rotateData {
		return key.Errorf(key.KindValidation, "%q is not a key of the seal: give Root or Data.", *in.Key)
	}
	return nil
}
