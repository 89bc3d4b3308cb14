//go:build !smallsegments

package audit

import "time"

// DefaultSegment is the size in bytes at which a segment is closed. A segment is also closed when another day begins in
// UTC.
const DefaultSegment = 64 << 20

// defaultCheckpoint is the time between two checkpoints.
const defaultCheckpoint = time.Minute
