package expiries

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// noticeEvents are the names of the events of notices, by subject.
var noticeEvents = map[string]string{
	records.NoticeCertificate: "CertificateExpiryWarning",
	records.NoticeRootKey:     "RootKeyAgeWarning",
	records.NoticeDisk:        "DiskSpaceWarning",
}

// consult warns of each reading that has reached a threshold of which nobody has warned.
func (w *Watcher) consult(ctx context.Context, now time.Time) (failed error) {
	if w.Readings == nil {
		return nil
	}
	for _, r := range w.Readings(ctx) {
		err := w.compare(ctx, r, now)
		if !errors.Is(err, errNothingToWarnOf) && !errors.Is(err, store.ErrConflict) { // another node has warned
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// compare compares a reading with the last warning.
func (w *Watcher) compare(ctx context.Context, r Reading, now time.Time) error {
	reached, low := r.Reached()
	path := records.NoticePath(r.Subject, r.Name)
	last, warned, err := w.noticeAt(ctx, path)
	switch {
	case err != nil || !w.May():
		return err
	case warned && r.recovered():
		return w.Store.Update(ctx, func(tx *store.Tx) error { return records.Notices.Delete(tx, path) })
	case !low || warned && last.Threshold <= reached:
		return nil
	}
	return w.notify(ctx, r, path, reached, now)
}

func (w *Watcher) noticeAt(ctx context.Context, path string) (n records.Notice, ok bool, err error) {
	err = w.Store.View(ctx, func(v *store.View) error {
		n, ok, err = records.Notices.Get(v, path)
		return err
	})
	return n, ok, err
}

// notify writes the event and the record of a warning in one transaction, and then tells the operator.
func (w *Watcher) notify(ctx context.Context, r Reading, path string, reached int64, now time.Time) (err error) {
	event, notice := noticeEvents[r.Subject], r.notice()
	e := w.ServerEvent(event, now)
	if e.ServiceEventDetails, err = json.Marshal(notice); err != nil {
		return err
	}
	err = w.Journal.Update(ctx, func(tx *store.Tx) error {
		last, warned, err := records.Notices.Get(tx, path)
		if err != nil {
			return err
		}
		if warned && last.Threshold <= reached {
			return errNothingToWarnOf
		}
		return records.Notices.Put(tx, path, records.Notice{Threshold: reached})
	}, e)
	if err != nil {
		return err
	}
	w.count(r.Subject)
	w.Log.Warn(r.Fact+": "+r.Remedy, "subject", r.Subject, "name", r.Name)
	w.tell(event, notice)
	return nil
}

// tell calls the hook.
func (w *Watcher) tell(event string, details any) {
	if w.Warned != nil {
		w.Warned(event, details)
	}
}
