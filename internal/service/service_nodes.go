package service

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/nodes"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// openStore returns the Store of a Backend. If other processes commit to the Backend, the Store
// follows their changes.
func openStore(c Config, keyring *seal.Keyring) *store.Store {
	if !c.Shared {
		return store.New(c.Backend, keyring.Records())
	}
	return store.NewShared(c.Backend, keyring.Records())
}

// newNodes returns the part of this process in a shared deployment, or nil. Nodes compare wall times: the clock of a
// dev server moves on all nodes, but not at the same moment.
func (s *Service) newNodes(c Config) *nodes.Nodes {
	if !c.Shared {
		return nil
	}
	return nodes.New(nodes.Config{
		Store: s.store, Journal: s.journal, Log: s.log, ID: c.Node, Address: c.Address,
		Version: c.Version, LastEvent: s.audit.Last, Record: s.recordOfNode, Timing: c.Timing, Wall: s.clock.wall,
		Seal: s.seals.Members, Memory: c.NodeMemory,
	})
}

// follow keeps the memory of this process up to date until unfollow.
func (s *Service) follow(dev bool) {
	var ctx context.Context
	ctx, s.unfollow = context.WithCancel(context.Background())
	if !s.store.Shared() {
		return
	}
	s.store.OnChange(s.materials.Changed)
	s.store.OnChange(s.seals.Changed)
	s.store.OnChange(s.answerForUsage(ctx))
	if dev {
		s.store.OnChange(s.followClock(ctx))
	}
	s.following.Go(func() {
		if err := s.store.Follow(ctx); errors.Is(err, store.ErrRewound) {
			s.journal.Stop(err)
		}
	})
}

// enter makes this process the only one that commits for its node.
func (s *Service) enter(ctx context.Context, node string) error {
	if s.nodes != nil {
		return s.nodes.Enter(ctx)
	}
	return s.journal.Start(ctx, node, nil)
}

// leave ends what this process does as a node.
func (s *Service) leave() error {
	var err error
	if s.nodes != nil {
		err = s.nodes.Close()
	}
	s.unfollow()
	s.following.Wait()
	return err
}

// level returns the level of records that all nodes know.
func (s *Service) level() int {
	if s.nodes == nil {
		return records.NewestLevel
	}
	return s.nodes.CommonLevel()
}

// recordOfNode makes a change that this node makes to another one, with its event.
func (s *Service) recordOfNode(ctx context.Context, e nodes.Event, change func(*store.Tx) error) error {
	account, err := s.Account(ctx)
	if err != nil {
		return err
	}
	event := serverEvent(e.Name, account, s.clock.Now())
	event.ServiceEventDetails, err = json.Marshal(struct {
		Node    string `json:"nodeId"`
		LoseLog bool   `json:"loseLog,omitzero"`
	}{e.Node, e.LoseLog})
	if err != nil {
		return err
	}
	return s.journal.Update(ctx, change, event)
}

// ofThisNode returns a sentence for errors about the log or the memory of this node, if there may be other nodes.
func (s *Service) ofThisNode() string {
	if !s.store.Shared() {
		return ""
	}
	return " Other nodes share the store, and each knows only the requests that it answered itself: ask the node that " +
		"answered, at its own address."
}

// errStale is the reason of a node that the store does not reach.
var errStale = errors.New("the memory of this node is not up to date: the node does not reach the store")

// Ready returns why this node should get no requests, or nil. On a full disk a node leaves the requests to other
// nodes. A server that has no other nodes stays ready, because it still takes rights away.
func (s *Service) Ready() error {
	if err := s.nodes.Ready(); err != nil {
		return err
	}
	if !s.store.Fresh(time.Now()) {
		return errStale
	}
	if err := s.journal.Fenced(); err != nil {
		return err
	}
	for _, err := range []error{s.audit.Healthy(), s.full()} {
		if err != nil && (s.store.Shared() || !errors.Is(err, space.ErrFull)) {
			return err
		}
	}
	return nil
}
