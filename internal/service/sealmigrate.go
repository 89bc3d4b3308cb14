package service

import (
	"context"
	"errors"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/reseal"
	"github.com/keyhold/keyhold/internal/seal"
)

// SealMigrate adds a custody to the keyring, which the server then uses, or removes one. It is not part of the KMS API.
// A request names files of the server, and can give the root key to another KMS, so the permission is as powerful as
// the root.
var sealMigrate = change("SealMigrate", asks{{Action: "keyhold:SealMigrate", May: mayInDeployment}}, checkSealMigrate,
	func(c *call, in *api.SealMigrateRequest) (*api.SealMigrateResponse, error) {
		out := &api.SealMigrateResponse{FormerId: new(c.seals.Root().ID())}
		prepared, id, err := c.migration(c.ctx, in)
		if err != nil {
			return nil, refuseSeal(err)
		}
		if err := c.commit(prepared.Put); err != nil {
			return nil, err
		}
		prepared.Made()
		out.CustodyId = &id
		return out, nil
	})

// checkSealMigrate requires one of the two members.
func checkSealMigrate(in *api.SealMigrateRequest, _ time.Time) error {
	if (in.To == nil) == (in.From == nil) {
		return key.Errorf(key.KindValidation, "Give either To, a custody to add, or From, a custody to remove.")
	}
	return nil
}

// migration prepares the change of a request. id is the ID of the custody that is added or removed.
func (s *Service) migration(ctx context.Context, in *api.SealMigrateRequest) (c reseal.Change, id string, err error) {
	if in.From != nil {
		c, err = s.seals.Remove(ctx, *in.From)
		return c, *in.From, err
	}
	to, err := s.openCustody(*in.To)
	if err != nil {
		return c, "", key.Errorf(key.KindValidation, "The server cannot open the custody: %v.", err)
	}
	c, err = s.seals.Add(ctx, to)
	return c, to.ID(), err
}

// noCustody is the function that opens custodies on servers that cannot.
func noCustody(string) (seal.Root, error) {
	return nil, errors.New("the custody of this server cannot be changed while it runs")
}

// refuseSeal returns the error of a change of the seal as the caller gets it.
func refuseSeal(err error) error {
	for kind, all := range map[key.Kind][]error{
		key.KindNotFound: {reseal.ErrNoCustody},
		key.KindConflict: {reseal.ErrInUse, reseal.ErrOldNodes, seal.ErrLastCustody, reseal.ErrRotating},
	} {
		for _, is := range all {
			if errors.Is(err, is) {
				return key.Errorf(kind, "%v.", err).Because(err)
			}
		}
	}
	return err
}

// MigrateSeal carries out a SealMigrate of the operator of a server that does not run. add or remove is nil.
func (s *Service) MigrateSeal(ctx context.Context, add seal.Root, remove string) error {
	prepared, details := reseal.Change{}, reseal.CustodyDetails{Custody: remove}
	var err error
	if add != nil {
		details.Custody, details.Added = add.ID(), true
		prepared, err = s.seals.Add(ctx, add)
	} else {
		prepared, err = s.seals.Remove(ctx, remove)
	}
	if err == nil {
		err = s.recordSeal(ctx, "MigrateSeal", details, prepared.Put)
	}
	if err == nil {
		prepared.Made()
	}
	return err
}
