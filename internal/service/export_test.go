package service

import (
	"context"
	"maps"
	"slices"

	"github.com/keyhold/keyhold/internal/admit"
)

// OperationNames returns the names of all operations of a server for production.
func OperationNames() []string { return slices.Sorted(maps.Keys(operations(false))) }

// ChangeAtOnce lets several changes of one key go on at the same time, as if several
// servers had one store.
func (s *Service) ChangeAtOnce() { s.turns = admit.NewQueues(admit.Bounds{Places: 1000}) }

// UnservedRegionsOf looks at a number of accounts, in all their Regions.
func (s *Service) UnservedRegionsOf(ctx context.Context, scopes int) ([]string, error) {
	return s.unservedRegions(ctx, scopes)
}
