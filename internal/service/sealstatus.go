package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/reseal"
)

// SealStatus shows the custodies of the root key, the keys, and their rotation. It is not part of the KMS API.
var sealStatus = query("SealStatus", asks{{Action: "keyhold:SealStatus", May: mayInDeployment}}, nil,
	func(c *call, _ *api.SealStatusRequest) (*api.SealStatusResponse, error) {
		s, err := c.seals.Status(c.ctx)
		if err != nil {
			return nil, err
		}
		out := sealStatusResponse(s)
		c.addProof(out.Custodies)
		return out, nil
	})

// A CustodyProof is the result of the proofs of the custody that the server uses.
type CustodyProof struct {
	Custody string    // its ID
	Proved  time.Time // by the last proof that succeeded
	Since   time.Time // the custody works, or fails, since then
	Fails   bool
}

// ShowProof lets SealStatus show the proofs of the custody. It must be called before Do.
func (s *Service) ShowProof(proof func() CustodyProof) { s.custodyProof = proof }

// addProof adds the proof of the custody that the server uses.
func (s *Service) addProof(all []api.SealCustody) {
	if s.custodyProof == nil {
		return
	}
	p := s.custodyProof()
	for i := range all {
		if *all[i].CustodyId != p.Custody {
			continue
		}
		all[i].Proved = timestamp(p.Proved)
		if p.Fails {
			all[i].FailsSince = timestamp(p.Since)
		}
	}
}

// mayInDeployment is the decider of operations on the whole deployment: the principal must belong to the account of the
// deployment, and its policies must allow the action.
func mayInDeployment(c *call, action string, _ target, _ key.Key, _ error) error {
	if err := c.checkInDeployment(action, "*"); err != nil {
		return err
	}
	return c.mayAct(action, "*")
}

func sealStatusResponse(s reseal.Status) *api.SealStatusResponse {
	out := &api.SealStatusResponse{Custodies: []api.SealCustody{}, DataKeys: []api.SealKey{}}
	for _, c := range s.Custodies {
		one := api.SealCustody{CustodyId: &c.ID, InUse: c.InUse, Lags: c.Lags, Nodes: c.Nodes}
		if !c.Since.IsZero() {
			one.Since = timestamp(c.Since)
		}
		out.Custodies = append(out.Custodies, one)
	}
	if s.Root.Version != 0 {
		out.RootKey = &api.SealKey{Version: new(int64(s.Root.Version)), Made: timestamp(s.Root.Made)}
	}
	for _, k := range s.Keys {
		one := api.SealKey{Version: new(int64(k.Version)), State: &k.State}
		if !k.Made.IsZero() {
			one.Made = timestamp(k.Made)
		}
		if k.Records >= 0 {
			one.Records = &k.Records
		}
		out.DataKeys = append(out.DataKeys, one)
	}
	if s.Rotation != nil {
		out.Rotation = sealRotation(*s.Rotation)
	}
	return out
}

func sealRotation(r records.Reseal) *api.SealRotation {
	out := &api.SealRotation{DataKey: new(int64(r.To)), Phase: new(string(r.Phase)), Begun: timestamp(r.Begun)}
	if r.IsCounted() {
		out.Total, out.Left = &r.Total, new(r.Remaining())
	}
	if r.Stuck > 0 {
		out.Stuck = &r.Stuck
	}
	if !r.Rest.IsZero() {
		out.DestroyAfter = timestamp(r.Rest)
	}
	return out
}
