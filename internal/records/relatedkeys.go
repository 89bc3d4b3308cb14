package records

import (
	"fmt"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// Families record the Region of the primary key of each set of related keys, so that a set has
// only one primary key.
var Families = tableOf[Family]("multi-region")

// A Family is a set of related keys.
type Family struct {
	Primary string `json:"primary"` // Region
}

func FamilyPath(k key.Key) string { return k.Account + "/" + k.ID }

// RelatedKeys returns a primary key and all its replicas, exactly as they are stored. It omits a
// replica that the sweep has marked as gone.
func RelatedKeys(from store.Getter, primary key.Key) (key.Related, error) {
	related := key.Related{primary}
	pathIn := func(r key.Replica) string { return KeyPath(primary.Account, r.Region, primary.ID) }
	var paths []string
	for _, r := range primary.MultiRegion.Replicas {
		paths = append(paths, pathIn(r))
	}
	found, err := Keys.GetAll(from, paths...)
	if err != nil {
		return nil, err
	}
	for _, r := range primary.MultiRegion.Replicas {
		k, exists := found[pathIn(r)]
		if !exists && r.DeletionDate.IsZero() {
			return nil, fmt.Errorf("the replica of %s in %s is missing", primary.ARN(), r.Region)
		}
		if exists && k.State != key.Gone {
			related = append(related, k)
		}
	}
	return related, nil
}
