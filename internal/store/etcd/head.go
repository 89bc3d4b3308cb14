package etcd

import "sync"

// A head is the newest revision that a View or Commit of this process has shown.
type head struct {
	mu     sync.Mutex
	rev    int64
	raised chan struct{} // closed when rev grows
}

func (h *head) raise(rev int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if rev > h.rev {
		h.rev = rev
		close(h.raised)
		h.raised = make(chan struct{})
	}
}

func (h *head) revision() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rev
}

// news returns a channel that is closed when the revision grows.
func (h *head) news() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.raised
}
