// Package transparency has the formats that make an audit log provable: the Merkle tree over its lines (RFC 6962),
// tiles (C2SP tlog-tiles), checkpoints (C2SP tlog-checkpoint, signed notes) and inclusion proofs (C2SP tlog-proof).
// Hashes and proofs are computed by golang.org/x/mod/sumdb/tlog.
//
// The package opens no file and knows no event. Package audit stores a log in these formats.
package transparency
