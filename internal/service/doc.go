// Package service carries out the operations, one file each, behind one gate.
//
// Do is the gate: it finds what a request is about, decides whether the caller
// may, holds the state of each key against the grid, lets the operation run,
// and sees that an event is written on every way out. Nothing gets round it.
//
// A file name without a prefix is the operation of that name. The files gate_*.go are the
// gate.
//
// Package service speaks no protocol, which is the task of package server. It declares no
// record (package records), holds no material (package material) and checks no stored
// deployment (package integrity).
package service
