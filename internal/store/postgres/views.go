package postgres

import (
	"sync"
	"time"
)

// views are the running Views of this process. Their revisions must not be compacted.
type views struct {
	mu      sync.Mutex
	running map[*reader]time.Time // when each began
}

func (v *views) begin(r *reader) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.running[r] = time.Now()
}

func (v *views) end(r *reader) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.running, r)
}

// oldest returns the lowest revision of the Views that began before a time, or 0 if there is no such View.
func (v *views) oldest(before time.Time) (rev int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for r, began := range v.running {
		if began.Before(before) {
			rev = lower(rev, r.rev)
		}
	}
	return rev
}

// lower returns the lower of two revisions; 0 means none.
func lower(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// held returns the revision that other processes must not compact, or nil.
func (v *views) held() *int64 {
	if rev := v.oldest(time.Now().Add(time.Hour)); rev != 0 {
		return &rev
	}
	return nil
}
