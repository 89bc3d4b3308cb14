package webidentity

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// keysAge is how long keys are valid. aheadAge is the age at which new keys are fetched in advance. fetchRest
// is the minimum time between two requests to a provider, also after a failure, because anybody can send a
// token that names an unknown key.
const (
	keysAge   = time.Hour
	aheadAge  = keysAge / 2
	fetchRest = 10 * time.Second
)

// The maximum number of requests that wait for one provider, and of providers that are asked at the same time.
const (
	maxWaiters = 64
	maxFetches = 32
)

var errBusy = errors.New("too many requests wait for this provider, or too many providers are being asked")

// A keyring keeps the keys of one provider. Its lock is not held while the provider is asked, so that cached
// keys stay usable.
type keyring struct {
	issuer  string
	client  *http.Client
	now     func() time.Time
	fetches chan struct{} // a place for each provider that is being asked

	mu      sync.Mutex
	keys    []providerKey
	fetched time.Time     // when keys were fetched
	asked   time.Time     // when the provider was last asked
	failure error         // result of the last request
	flight  chan struct{} // closed when the running request ends; nil if none is running
	waiters int
}

// get returns the keys with which a token may be signed: all keys with the ID, or all keys if the token names none.
// It returns an error if the provider could not be asked. It waits for the provider only if no valid key is
// cached.
func (k *keyring) get(ctx context.Context, id string) ([]providerKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, age := k.keysNamed(id), k.now().Sub(k.fetched)
	atHand := len(found) > 0 && age < keysAge
	if !atHand || age >= aheadAge {
		if err := k.ask(); err != nil && !atHand {
			return nil, err
		}
	}
	if atHand || k.flight == nil {
		return k.answer(found)
	}
	if k.waiters == maxWaiters {
		return nil, errBusy
	}
	if err := k.wait(ctx); err != nil {
		return nil, err
	}
	return k.answer(k.keysNamed(id))
}

// answer returns the keys unless they are too old. The caller holds the lock.
func (k *keyring) answer(found []providerKey) ([]providerKey, error) {
	if k.failure != nil && k.now().Sub(k.fetched) >= keysAge {
		return nil, k.failure
	}
	return found, nil
}

// wait waits until the provider has answered. The caller holds the lock, which wait releases in the meantime.
func (k *keyring) wait(ctx context.Context) error {
	flight := k.flight
	k.waiters++
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		k.waiters--
	}()
	select {
	case <-flight:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask starts a request to the provider, unless one is running or was made recently. The caller holds the lock.
// The request continues when the caller has gone: otherwise clients that leave early could cause one request
// after another.
func (k *keyring) ask() error {
	now := k.now()
	if k.flight != nil || !k.asked.IsZero() && now.Sub(k.asked) < fetchRest {
		return nil
	}
	select {
	case k.fetches <- struct{}{}:
	default:
		return errBusy
	}
	k.asked, k.flight = now, make(chan struct{})
	go k.fetch(now)
	return nil
}

func (k *keyring) fetch(now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTime)
	defer cancel()
	keys, err := fetch(ctx, k.client, k.issuer)
	<-k.fetches
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failure = err; err == nil {
		k.keys, k.fetched = keys, now
	}
	close(k.flight)
	k.flight = nil
}

// keysNamed returns the keys with the ID, or all keys if id is "". The caller holds the lock.
func (k *keyring) keysNamed(id string) (found []providerKey) {
	for _, key := range k.keys {
		if id == "" || key.id == id {
			found = append(found, key)
		}
	}
	return found
}

// lastAsked returns when the provider was last asked.
func (k *keyring) lastAsked() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.asked
}
