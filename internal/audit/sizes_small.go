//go:build smallsegments

package audit

import "time"

// The build tag smallsegments is for tests alone. A server that lives for a tenth of a second closes segments,
// compresses them, and signs checkpoints.
const (
	DefaultSegment    = 32 << 10
	defaultCheckpoint = 10 * time.Millisecond
)
