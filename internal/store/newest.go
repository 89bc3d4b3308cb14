package store

import "context"

// newest is a Reader whose every Get reads the newest revision. It is for transactions, whose commit checks their
// reads, and for single reads.
type newest struct {
	ctx    context.Context
	s      *Store
	rev    int64 // of the last Get
	failed bool
}

func (n *newest) Rev() int64 { return n.rev }

func (n *newest) Get(keys ...[]byte) (items []Item, err error) {
	items, err = n.get(keys...)
	n.failed = n.failed || err != nil
	return items, err
}

func (n *newest) get(keys ...[]byte) (items []Item, err error) {
	b, ok := n.s.backend.(NewestGetter)
	if !ok {
		err = n.s.View(n.ctx, func(v *View) error {
			n.rev = v.Rev()
			items, err = v.reader.Get(keys...)
			return err
		})
		return items, err
	}
	seen := n.s.Revision()
	if items, n.rev, err = b.GetNewest(n.ctx, keys...); err != nil {
		return nil, err
	}
	if err := n.s.checkRewound(seen, n.rev); err != nil {
		return nil, err
	}
	n.s.noteRevision(n.rev)
	return items, nil
}

func (n *newest) Scan(_, _ []byte, _ int) ([]Item, error) { return nil, errNeedsView }

// viewOnce is View for a function that reads with a single Get.
func (s *Store) viewOnce(ctx context.Context, fn func(*View) error) error {
	if _, ok := s.backend.(NewestGetter); !ok {
		return s.View(ctx, fn)
	}
	return fn(&View{reader: &newest{ctx: ctx, s: s}, sealer: s.sealer, cache: s.cache, marks: s.marks()})
}
