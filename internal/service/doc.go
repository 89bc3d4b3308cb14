// Package service carries out the operations, one file each, behind one gate.
//
// Do is the gate: it finds what a request is about, decides whether the caller
// may, holds the state of each key against the grid, lets the operation run,
// and sees that an event is written on every way out. Nothing gets round it.
// The package speaks no protocol: that is for package server.
package service
