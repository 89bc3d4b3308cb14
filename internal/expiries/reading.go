package expiries

import "time"

// A Reading says how much is left of something besides key material, at one moment: the time until a certificate ends
// or a root key is too old, or the free space of a disk. It has no secrets.
type Reading struct {
	Subject string // records.NoticeCertificate, records.NoticeRootKey or records.NoticeDisk
	// Name says which certificate, root key or disk. Readings with the same subject and name have their warnings once,
	// from any node.
	Name       string
	Left       int64     // seconds, or bytes
	Thresholds []int64   // of Left, the highest first
	Ends       time.Time // zero for a disk
	// Fact and Remedy are for the operator.
	Fact, Remedy string
}

// Reached returns the lowest threshold that Left has reached.
func (r Reading) Reached() (threshold int64, ok bool) {
	for _, t := range r.Thresholds {
		if r.Left <= t {
			threshold, ok = t, true
		}
	}
	return threshold, ok
}

// recovered reports whether there is so much left that a later shortage is news. The distance from the threshold keeps
// a disk that fills and empties around the threshold from many warnings.
func (r Reading) recovered() bool {
	return len(r.Thresholds) > 0 && r.Left > r.Thresholds[0]+r.Thresholds[0]/4
}

// A Notice is the warning of a Reading.
type Notice struct {
	Subject string    `json:"subject"`
	Name    string    `json:"name"`
	Ends    time.Time `json:"endsAt,omitzero"`
	// SecondsLeft or BytesFree is set.
	SecondsLeft *int64 `json:"secondsLeft,omitzero"`
	BytesFree   *int64 `json:"bytesFree,omitzero"`
	Fact        string `json:"fact"`
	Remedy      string `json:"remedy"`
}

func (r Reading) notice() Notice {
	n := Notice{Subject: r.Subject, Name: r.Name, Ends: r.Ends.UTC(), Fact: r.Fact, Remedy: r.Remedy}
	if r.Ends.IsZero() {
		n.BytesFree = &r.Left
	} else {
		n.SecondsLeft = &r.Left
	}
	return n
}
