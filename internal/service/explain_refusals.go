package service

import (
	"sync"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/sigv4"
)

// maxRefusals is how many refused signatures a dev server remembers.
const maxRefusals = 20

// A refusal is a request whose signature was refused.
type refusal struct {
	requestID string
	at        time.Time // wall time, which signatures follow
	reason    *key.Error
	sigv4.Examination
}

// refusals are the last refused signatures of a dev server, in memory only.
type refusals struct {
	mu   sync.Mutex
	kept []refusal // the newest last
}

func (r *refusals) add(one refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) == maxRefusals {
		r.kept = append(r.kept[:0], r.kept[1:]...)
	}
	r.kept = append(r.kept, one)
}

// find returns the refusal of a request, or the newest where id is empty.
func (r *refusals) find(id string) (refusal, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.kept) - 1; i >= 0; i-- {
		if id == "" || r.kept[i].requestID == id {
			return r.kept[i], true
		}
	}
	return refusal{}, false
}

// RememberRefusal keeps the parts of a refused request that concern its signature, for
// ExplainSignature. It keeps no requests without a signature and no requests for
// ExplainSignature, because these would displace the request that the user asks about.
func (s *Service) RememberRefusal(requestID string, x sigv4.Examination, reason *key.Error) {
	if reason.Kind == key.KindMissingAuthenticationToken || x.Target == api.TargetDev+"."+explainSignatureName {
		return
	}
	s.refusals.add(refusal{requestID, s.clock.wall(), reason, x})
}
