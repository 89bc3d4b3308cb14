// Package cosign has the protocol between a log and its witnesses: cosignatures of checkpoints with Ed25519
// (c2sp.org/tlog-cosignature), and the request that asks a witness for a cosignature (c2sp.org/tlog-witness).
//
// It does no I/O. Package witness answers these requests, and package anchor sends them.
package cosign
