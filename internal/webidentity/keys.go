package webidentity

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// How long keys are good, when new ones are fetched ahead, and how long a provider is
// left alone after it was asked, whatever came of it: anybody can send a token that
// names an unknown key.
const (
	keysAge   = time.Hour
	aheadAge  = keysAge / 2
	fetchRest = 10 * time.Second
)

// How many requests wait for one provider, and how many providers are asked, at a time.
const (
	maxWaiters = 64
	maxFetches = 32
)

var errBusy = errors.New("too many requests wait for this provider, or too many providers are being asked")

// A keyring keeps the keys of one provider. Nobody holds its lock while the provider is
// asked, so the keys at hand go on being used.
type keyring struct {
	issuer  string
	client  *http.Client
	now     func() time.Time
	fetches chan struct{} // a place for each provider that is being asked

	mu      sync.Mutex
	keys    []providerKey
	fetched time.Time     // when keys came
	asked   time.Time     // when the provider was last asked
	failure error         // of that
	flight  chan struct{} // closed when the provider that is being asked has answered; nil: it is not asked
	waiters int
}

// get returns the keys that a token may be signed with: those of the ID, or all if the
// token names none. The error is why the provider could not be asked. A caller
// waits for the provider only if there is no good key at hand.
func (k *keyring) get(ctx context.Context, id string) ([]providerKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, age := k.named(id), k.now().Sub(k.fetched)
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
	return k.answer(k.named(id))
}

// answer returns keys unless they are too old. The caller holds the lock.
func (k *keyring) answer(found []providerKey) ([]providerKey, error) {
	if k.failure != nil && k.now().Sub(k.fetched) >= keysAge {
		return nil, k.failure
	}
	return found, nil
}

// wait returns when the provider has answered. The caller holds the lock, which is
// released meanwhile.
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

// ask has the provider asked, unless that is under way or was done a moment ago. The
// caller holds the lock. The work goes on when the caller has left, or else whoever
// leaves early could have the provider asked all the time.
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

// named returns the keys of an ID, all for "". The caller holds the lock.
func (k *keyring) named(id string) (found []providerKey) {
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
