package service

import (
	"context"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

var getKeyLastUsage = query("GetKeyLastUsage", asks{{Action: "kms:GetKeyLastUsage", On: keyID("KeyId")}}, nil,
	func(c *call, _ *api.GetKeyLastUsageRequest) (*api.GetKeyLastUsageResponse, error) {
		k := c.key()
		last, err := c.lastUsage(records.PathOf(k))
		if err != nil {
			return nil, err
		}
		out := &api.GetKeyLastUsageResponse{
			KeyCreationDate:   timestamp(k.CreationDate),
			KeyId:             &k.ID,
			KeyLastUsage:      &api.KeyLastUsageData{},
			TrackingStartDate: timestamp(k.CreationDate), // the server has recorded uses since the creation of the key
		}
		if !last.Time.IsZero() {
			*out.KeyLastUsage = api.KeyLastUsageData{
				CloudTrailEventId: &last.EventID,
				KmsRequestId:      &last.RequestID,
				Operation:         &last.Operation,
				Timestamp:         timestamp(last.Time),
			}
		}
		return out, nil
	})

// lastUsage returns the last use of a key at any node, or a zero Usage.
func (c *call) lastUsage(path string) (kept records.Usage, err error) {
	own, noted := c.usage.last(path)
	if noted && !c.store.Shared() {
		return own, nil
	}
	if c.store.Shared() {
		if err := c.askForUsage(path); err != nil {
			return kept, err
		}
	}
	// The read is not noted: every later request asks all nodes again, so the answer need not wait for this record.
	err = c.newest(c.ctx, nil).view(func(v *store.View) (err error) {
		kept, _, err = records.Usages.Get(v, path)
		return err
	})
	if own.Time.After(kept.Time) {
		kept = own
	}
	return kept, err
}

// askForUsage makes all nodes write the use of a key that they have in memory. It writes the record of the use
// unchanged, together with the event of the call, and nodes that learn of such a change write the uses in their memory
// before they confirm it. A node that is cut off does not answer.
func (c *call) askForUsage(path string) error {
	err := c.commit(func(tx *store.Tx) error {
		kept, _, err := records.Usages.Get(tx, path)
		if err != nil {
			return err
		}
		return records.Usages.Put(tx, path, kept)
	})
	if err != nil {
		return err
	}
	return c.awaitChange()
}

// answerForUsage writes the uses of keys that a node asks for. Answers have no event, so they cause no answers.
func (s *Service) answerForUsage(ctx context.Context) func(rev int64, paths []string) {
	isEvent := func(path string) bool { return strings.HasPrefix(path, records.Outbox.Prefix+"/") }
	return func(_ int64, paths []string) {
		if !slices.ContainsFunc(paths, isEvent) {
			return
		}
		for _, path := range paths {
			used, ok := strings.CutPrefix(path, records.Usages.Prefix+"/")
			if !ok {
				continue
			}
			ctx, cancel := context.WithTimeout(ctx, engineTime) // the feed waits
			if err := s.usage.flush(ctx, used); err != nil {
				s.log.Warn("the last use of a key was not written, so another node may show an earlier one", "error", err)
			}
			cancel()
		}
	}
}
