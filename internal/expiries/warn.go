package expiries

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// mostAliases is the number of aliases that a warning names.
const mostAliases = 10

// A Warning says that key material expires, and who will notice. It has no secrets.
type Warning struct {
	KeyARN     string    `json:"keyArn"`
	MaterialID string    `json:"keyMaterialId"`
	ValidTo    time.Time `json:"validTo"`
	DaysLeft   int       `json:"daysLeft"` // whole days
	Aliases    []string  `json:"aliases"`  // at most ten
	Callers    []string  `json:"callers"`  // ARNs of the last callers, at most eight
	// CallersSince is the time since which this server knows callers.
	CallersSince time.Time `json:"callersSince"`
}

// account returns the account of the key.
func (w Warning) account() string {
	if parts := strings.SplitN(w.KeyARN, ":", 6); len(parts) == 6 { // arn:aws:kms:REGION:ACCOUNT:key/ID
		return parts[4]
	}
	return ""
}

// errNothingToWarnOf ends the transaction of a warning that is not needed any more.
var errNothingToWarnOf = errors.New("the material was changed, or another node has warned of its expiry")

// warn writes the event and the record of a warning in one transaction, and then tells the operator.
func (w *Watcher) warn(ctx context.Context, m Material, index int, now time.Time) error {
	aliases, err := w.aliases(ctx, m.Key)
	if err != nil {
		return err
	}
	path := records.PathOf(m.Key)
	one := Warning{
		KeyARN: m.Key.ARN(), MaterialID: m.ID, ValidTo: m.ValidTo.UTC(), DaysLeft: int(m.ValidTo.Sub(now) / (24 * time.Hour)),
		Aliases: aliases, Callers: w.Callers.Of(path), CallersSince: w.Callers.Since(),
	}
	e := w.Event(EventName, m.Key, now)
	if e.ServiceEventDetails, err = json.Marshal(one); err != nil {
		return err
	}
	err = w.Journal.Update(ctx, func(tx *store.Tx) error { return note(tx, path, m, w.Ahead[index]) }, e)
	if err != nil {
		return err
	}
	w.warnings[index].Add(1)
	w.Log.Warn("imported key material expires soon: import the same material again with a later expiry, or these callers "+
		"cannot use the key any more", "key", one.KeyARN, "material", one.MaterialID, "expires", one.ValidTo,
		"daysLeft", one.DaysLeft, "aliases", one.Aliases, "callers", one.Callers, "callersSince", one.CallersSince)
	w.tell(EventName, one)
	return nil
}

// note records a warning, unless the material was changed or somebody has warned.
func note(tx *store.Tx, path string, m Material, ahead time.Duration) error {
	k, _, err := records.Keys.Get(tx, path)
	if err != nil {
		return err
	}
	r, _, err := records.ExpiryWarnings.Get(tx, path)
	if err != nil {
		return err
	}
	present := expiring(k, time.Time{})
	same := slices.ContainsFunc(present, func(p Material) bool { return p.ID == m.ID && p.ValidTo.Equal(m.ValidTo) })
	if !same || r.Materials[m.ID].Covers(m.ValidTo, ahead) {
		return errNothingToWarnOf
	}
	next := records.ExpiryWarning{Materials: map[string]records.WarnedMaterial{}}
	for _, p := range present {
		if old, ok := r.Materials[p.ID]; ok {
			next.Materials[p.ID] = old
		}
	}
	next.Materials[m.ID] = records.WarnedMaterial{ValidTo: m.ValidTo, AheadSeconds: int64(ahead / time.Second)}
	return records.ExpiryWarnings.Put(tx, path, next)
}

// aliases returns the first aliases of a key.
func (w *Watcher) aliases(ctx context.Context, k key.Key) (names []string, err error) {
	names = []string{}
	err = w.Store.View(ctx, func(v *store.View) error {
		under := records.PathOf(k) + "/"
		entries, err := records.AliasesOfKey.Scan(v, under, "", mostAliases)
		for _, r := range entries {
			names = append(names, key.AliasPrefix+r.Path[len(under):])
		}
		return err
	})
	return names, err
}
