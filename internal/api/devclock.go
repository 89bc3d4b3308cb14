package api

// MoveClockRequest moves the clock of a dev server forward, either by AdvanceSeconds or to a time. It is not
// part of the KMS API.
type MoveClockRequest struct {
	AdvanceSeconds *int64     `json:"AdvanceSeconds,omitzero" kms:"range=1:6307200000"`
	To             *Timestamp `json:"To,omitzero"`
}

// ShowClockRequest asks for the clock of a dev server.
type ShowClockRequest struct{}

// ClockResponse has the time of the clock for keys, and how far it is ahead of wall time.
type ClockResponse struct {
	Now          *Timestamp `json:"Now,omitzero"`
	AheadSeconds *int64     `json:"AheadSeconds,omitzero"`
}
