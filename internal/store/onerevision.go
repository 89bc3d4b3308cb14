package store

import "context"

// AtRevision returns a Backend whose Views all show the revision of r, as long as r can be read.
func AtRevision(b Backend, r Reader) Backend { return oneRevision{b, r} }

type oneRevision struct {
	Backend
	reader Reader
}

func (o oneRevision) View(_ context.Context, fn func(Reader) error) error { return fn(o.reader) }
