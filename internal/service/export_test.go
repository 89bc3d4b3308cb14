package service

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/store"
)

// ProductionNames returns the names of all operations of a production server.
func ProductionNames() []string { return slices.Sorted(maps.Keys(operations(false))) }

// ChangeAtOnce permits several simultaneous changes of one key, as if several servers had one
// store.
func (s *Service) ChangeAtOnce() { s.turns = admit.NewQueues(admit.Bounds{Places: 1000}) }

// SleepInBubble makes refusals wait by the clock of the bubble of a test.
func (s *Service) SleepInBubble() {
	s.pauseUntil = func(end time.Time) { time.Sleep(time.Until(end)) }
}

// TakeOver takes over the events of another node.
func (s *Service) TakeOver(ctx context.Context, node string) error {
	_, err := s.journal.TakeOver(ctx, node, func(*store.Tx) error { return nil })
	return err
}

// UnservedRegionsOf is UnservedRegions with another limit.
func (s *Service) UnservedRegionsOf(ctx context.Context, scopes int) ([]string, error) {
	return s.unservedRegions(ctx, scopes)
}

// ShareSweep divides the work of the sweep.
func (s *Service) ShareSweep(with Sharing) {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	s.sharing = with
}

// EndSweeper ends the sweep in the background.
func (s *Service) EndSweeper() { s.sweeper.close() }

// NoSleep does not wait.
func NoSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }
