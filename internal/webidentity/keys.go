package webidentity

import (
	"context"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// How long keys are good, and how long a provider is left alone after it was asked,
// whatever came of it: anybody can send a token that names an unknown key.
const (
	keysAge   = time.Hour
	fetchRest = 10 * time.Second
)

// A keyring keeps the keys of one provider.
type keyring struct {
	issuer string
	client *http.Client
	now    func() time.Time

	turn    chan struct{} // held by who reads or writes what follows
	keys    []jose.JSONWebKey
	fetched time.Time // when keys came
	asked   time.Time // when the provider was last asked
	failure error     // of that
}

func newKeyring(issuer string, client *http.Client, now func() time.Time) *keyring {
	return &keyring{issuer: issuer, client: client, now: now, turn: make(chan struct{}, 1)}
}

// get returns the keys that a token may be signed with: those of the ID, or all if it
// names none. The error is why the provider could not be asked.
func (k *keyring) get(ctx context.Context, id string) ([]jose.JSONWebKey, error) {
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-k.turn }()
	now := k.now()
	found := k.named(id)
	if fresh := now.Sub(k.fetched) < keysAge; (!fresh || len(found) == 0) && (k.asked.IsZero() || now.Sub(k.asked) >= fetchRest) {
		k.ask(ctx, now)
		found = k.named(id)
	}
	if k.failure != nil && now.Sub(k.fetched) >= keysAge {
		return nil, k.failure
	}
	return found, nil
}

// ask goes on when the caller has left, or else whoever leaves early could have the
// provider asked all the time.
func (k *keyring) ask(ctx context.Context, now time.Time) {
	k.asked = now
	keys, err := fetch(context.WithoutCancel(ctx), k.client, k.issuer)
	if k.failure = err; err == nil {
		k.keys, k.fetched = keys, now
	}
}

func (k *keyring) named(id string) (found []jose.JSONWebKey) {
	for _, key := range k.keys {
		if id == "" || key.KeyID == id {
			found = append(found, key)
		}
	}
	return found
}
