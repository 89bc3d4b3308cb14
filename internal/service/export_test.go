package service

import (
	"maps"
	"slices"
)

// OperationNames returns the names of all operations of a server for production.
func OperationNames() []string { return slices.Sorted(maps.Keys(operations(false))) }
