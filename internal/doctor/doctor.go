// Package doctor examines the machine of a server before a fault shows: its clock, data folder, disk, memory,
// certificate and host names. It does not open the deployment. It writes a small file into the data folder to measure
// the disk, and removes the file.
package doctor

import (
	"context"
	"crypto/x509"
	"time"
)

// A State is how serious a finding is.
type State string

// The states of a finding, from good to bad.
const (
	Good    State = "good"
	Unknown State = "unknown" // the check could not be made
	Careful State = "careful" // the server works, and something can go wrong later
	Bad     State = "bad"     // the server does not start, or does not keep its promises
)

// A Finding is the result of one check. Remedy is empty if the state is Good.
type Finding struct {
	Check  string
	State  State
	Fact   string
	Remedy string `json:",omitempty"`
}

// A Subject is what a server uses of the machine.
type Subject struct {
	Folder      string            // data folder
	Reserve     int64             // bytes of the disk that the server keeps in reserve
	Certificate *x509.Certificate // nil without TLS
	Now         time.Time
	Ahead       time.Duration           // before the certificate ends, at which it needs attention
	Low         func(total int64) int64 // bytes besides the reserve at which a volume of this size needs attention
}

// A check is one examination. It returns a finding for each thing that it looks at.
type check struct {
	name string
	make func(context.Context, Machine, Subject) []Finding
}

var checks = []check{
	{"clock", clock},
	{"folder", folder},
	{"space", diskSpace},
	{"speed", diskSpeed},
	{"memory", memory},
	{"certificate", certificate},
	{"names", names},
}

// Examine makes all checks, and returns their findings in order. It returns early when ctx ends.
func Examine(ctx context.Context, m Machine, s Subject) (all []Finding) {
	for _, c := range checks {
		if ctx.Err() != nil {
			return all
		}
		for _, f := range c.make(ctx, m, s) {
			f.Check = c.name
			all = append(all, f)
		}
	}
	return all
}

// Worst returns the worst state of the findings, or Good if there are none.
func Worst(all []Finding) State {
	order := []State{Bad, Careful, Unknown}
	for _, state := range order {
		for _, f := range all {
			if f.State == state {
				return state
			}
		}
	}
	return Good
}

func one(state State, fact, remedy string) []Finding {
	return []Finding{{State: state, Fact: fact, Remedy: remedy}}
}
