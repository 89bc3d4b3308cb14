package service

import (
	"context"
	"maps"
	"slices"

	"github.com/keyhold/keyhold/internal/admit"
)

// OperationNames returns the names of all operations of a production server.
func OperationNames() []string { return slices.Sorted(maps.Keys(operations(false))) }

// ChangeAtOnce permits several simultaneous changes of one key, as if several servers had one
// store.
func (s *Service) ChangeAtOnce() { s.turns = admit.NewQueues(admit.Bounds{Places: 1000}) }

// UnservedRegionsOf is UnservedRegions with another limit.
func (s *Service) UnservedRegionsOf(ctx context.Context, scopes int) ([]string, error) {
	return s.unservedRegions(ctx, scopes)
}
