package api

// The requests about the audit log are not part of the KMS API. Each node answers for its own log.

// QueryAuditRequest asks for the events that fulfil all conditions. Principal is an ARN, a user name, a principal ID or
// an access key ID; Key is an ARN or an ID; Outcome is "success", "failure" or an error code. The first request may
// have FirstIndex, the index of the oldest line to read, or Newest, a number of lines at the end. Later requests have
// Marker.
type QueryAuditRequest struct {
	EndTime    *Timestamp `json:"EndTime,omitzero"` // excluded
	FirstIndex *int64     `json:"FirstIndex,omitzero" kms:"range=0:1000000000000"`
	Key        *string    `json:"Key,omitzero" kms:"len=1:2048"`
	Limit      *int32     `json:"Limit,omitzero" kms:"range=1:1000"`
	Marker     *string    `json:"Marker,omitzero" kms:"len=1:1024"`
	Newest     *int64     `json:"Newest,omitzero" kms:"range=0:1000000000000"`
	Operation  *string    `json:"Operation,omitzero" kms:"len=1:128"`
	Outcome    *string    `json:"Outcome,omitzero" kms:"len=1:128"`
	Principal  *string    `json:"Principal,omitzero" kms:"len=1:2048"`
	RequestId  *string    `json:"RequestId,omitzero" kms:"len=1:64"`
	StartTime  *Timestamp `json:"StartTime,omitzero"`
}

// QueryAuditResponse has a page of events, which may be empty although Truncated is true: a page also ends when the
// server has read enough lines. AlteredIndexes are the indexes of lines that the page has read and that are not as the
// server wrote them.
type QueryAuditResponse struct {
	AlteredIndexes []int64      `json:"AlteredIndexes,omitzero"`
	Events         []AuditEvent `json:"Events"`
	Log            AuditLog     `json:"Log"`
	NextMarker     *string      `json:"NextMarker,omitzero"`
	Truncated      bool         `json:"Truncated"`
}

// An AuditEvent is a line of a log, byte by byte, without its newline. A Line that is too long for a response is
// missing.
type AuditEvent struct {
	Index int64   `json:"Index"`
	Line  *string `json:"Line,omitzero"`
}

// An AuditLog says which part of which log a response covers: the lines from index FirstIndex up to, but not including,
// EndIndex. Checkpoint is the newest signed checkpoint of the log. OtherLogs are the origins of logs of the deployment
// that the response does not cover.
type AuditLog struct {
	Checkpoint  *string  `json:"Checkpoint,omitzero"`
	EndIndex    int64    `json:"EndIndex"`
	FirstIndex  int64    `json:"FirstIndex"`
	Origin      string   `json:"Origin"`
	OtherLogs   []string `json:"OtherLogs,omitzero"`
	VerifierKey string   `json:"VerifierKey"`
}

// ProveEventRequest asks for the proof that an event is in the log. With Index, the server reads this line alone.
type ProveEventRequest struct {
	EventId *string `json:"EventId,omitzero" kms:"required,len=1:64"`
	Index   *int64  `json:"Index,omitzero" kms:"range=0:1000000000000"`
	Marker  *string `json:"Marker,omitzero" kms:"len=1:1024"`
}

// ProveEventResponse has the event and the proof (C2SP tlog-proof). If Truncated is true, the server has not found the
// event yet, and the next request with NextMarker goes on.
type ProveEventResponse struct {
	Event      *AuditEvent `json:"Event,omitzero"`
	Log        AuditLog    `json:"Log"`
	NextMarker *string     `json:"NextMarker,omitzero"`
	Proof      *string     `json:"Proof,omitzero"`
	Truncated  bool        `json:"Truncated"`
}
