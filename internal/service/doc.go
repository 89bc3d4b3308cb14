// Package service carries out the operations, one file each, behind one gate.
//
// Do is the gate: it finds the keys and other resources of a request, decides whether the caller
// may use them, checks the state of each key against the grid, runs the operation, and writes an
// event however the request ends. No operation can be reached without the gate.
//
// A file name without a prefix is the operation of that name. The files gate_*.go are the
// gate.
//
// Package service speaks no protocol, which is the task of package server. It declares no
// record (package records), holds no material (package material) and checks no stored
// deployment (package integrity).
package service
