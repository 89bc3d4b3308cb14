package service

import (
	"fmt"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// families tell the Region of the primary key of each set of related keys, so that
// there is one of it.
var families = store.Table[family]{Prefix: "multi-region", Codec: store.JSON[family]()}

// A family is a set of related keys.
type family struct {
	Primary string `json:"primary"` // Region
}

func familyPath(k key.Key) string { return k.Account + "/" + k.ID }

// relatedKeys returns a primary key and all its replicas, these as they are stored: so
// whoever writes them writes nothing but what he changed. One that the sweep has found
// gone in the meantime is none any more.
func relatedKeys(from store.Getter, primary key.Key) (key.Related, error) {
	related := key.Related{primary}
	for _, r := range primary.MultiRegion.Replicas {
		k, exists, err := keys.Get(from, keyPath(primary.Account, r.Region, primary.ID))
		if err == nil && !exists && r.DeletionDate.IsZero() {
			err = fmt.Errorf("the replica of %s in %s is missing", primary.ARN(), r.Region)
		}
		if err != nil {
			return nil, err
		}
		if exists && k.State != key.Gone {
			related = append(related, k)
		}
	}
	return related, nil
}
