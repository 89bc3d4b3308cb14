package engine

import (
	"sync"
	"time"
)

// Views are the running Views of this process. Their revisions must not be compacted. The zero value has no View.
type Views struct {
	mu      sync.Mutex
	running map[*view]bool
}

type view struct {
	rev   int64
	began time.Time
}

// Begin notes a View of a revision that begins now. The caller must call end when the View ends.
func (v *Views) Begin(rev int64) (end func()) { return v.beginAt(rev, time.Now()) }

func (v *Views) beginAt(rev int64, at time.Time) (end func()) {
	one := &view{rev, at}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.running == nil {
		v.running = map[*view]bool{}
	}
	v.running[one] = true
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.running, one)
	}
}

// Oldest returns the lowest revision of the Views that began before a time, or 0 if there is no such View.
func (v *Views) Oldest(before time.Time) (rev int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for one := range v.running {
		if one.began.Before(before) {
			rev = Lower(rev, one.rev)
		}
	}
	return rev
}

// Lower returns the lower of two revisions; 0 means none.
func Lower(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
