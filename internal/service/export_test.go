package service

import (
	"maps"
	"slices"

	"github.com/keyhold/keyhold/internal/admit"
)

// OperationNames returns the names of all operations of a server for production.
func OperationNames() []string { return slices.Sorted(maps.Keys(operations(false))) }

// ChangeAtOnce lets several changes of one key go on at the same time, as if several
// servers had one store.
func (s *Service) ChangeAtOnce() { s.turns = admit.NewQueues(admit.Bounds{Places: 1000}) }
