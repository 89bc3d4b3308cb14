package webidentity

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/keyhold/keyhold/internal/key"
)

// A gate is a transport that blocks requests until the test lets them continue.
type gate struct {
	http.RoundTripper
	came chan string   // host of each blocked request
	open chan struct{} // each value lets one request continue; closed for all
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case g.came <- r.URL.Host:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	select {
	case <-g.open:
		return g.RoundTripper.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// behindGate makes the issuer's verifier use a gate.
func (i *issuer) behindGate() *gate {
	g := &gate{came: make(chan string, 100), open: make(chan struct{})}
	transport := i.Verifier.transport
	i.Verifier.transport = func(roots *x509.CertPool) http.RoundTripper {
		return &gate{transport(roots), g.came, g.open}
	}
	return g
}

// tokenOf returns a token that names the key id and is signed with the issuer's key.
func (i *issuer) tokenOf(id string, valid time.Duration) string {
	return i.sign(jose.RS256, i.key, id, i.claims(func(c map[string]any) { c["exp"] = i.now.Add(valid).Unix() }))
}

// countWaiting returns the number of callers that wait for the provider.
func (i *issuer) countWaiting() int {
	k, err := i.Verifier.keyring(i.provider())
	if err != nil {
		i.Fatal(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.waiters
}

func (i *issuer) waitForCallers(n int) {
	for i.countWaiting() != n {
		time.Sleep(time.Millisecond)
	}
}

// A token with a cached key is verified while the provider makes other callers wait.
func TestSlowProviders(t *testing.T) {
	i := newIssuer(t)
	g := i.behindGate()
	go func() { g.open <- struct{}{}; g.open <- struct{}{} }() // discovery and keys, once
	good := i.tokenOf("k1", 4*time.Hour)
	if _, err := i.Verify(t.Context(), good, i.provider()); err != nil {
		t.Fatal(err)
	}
	<-g.came
	<-g.came
	i.moved.Store(int64(fetchRest))
	ended := make(chan error, 3)
	for range cap(ended) {
		go func() {
			_, err := i.Verify(t.Context(), i.tokenOf("unknown", time.Hour), i.provider())
			ended <- err
		}()
	}
	<-g.came // the only running request, which is blocked
	i.waitForCallers(cap(ended))
	for range 10 {
		if _, err := i.Verify(t.Context(), good, i.provider()); err != nil { // would wait forever if it needed the provider
			t.Fatal(err)
		}
	}
	select {
	case err := <-ended:
		t.Errorf("a token with an unknown key did not wait: %v", err)
	case host := <-g.came:
		t.Errorf("%s was asked twice at a time", host)
	default:
	}
	close(g.open)
	for range cap(ended) {
		wantKind(t, <-ended, key.KindInvalidIdentityToken, "signature")
	}
}

// Other providers can be asked while one is blocked.
func TestOtherProvidersAreNotSlow(t *testing.T) {
	slow, quick := newIssuer(t), newIssuer(t)
	g := slow.behindGate()
	both := slow.Verifier.transport
	slow.Verifier.transport = func(roots *x509.CertPool) http.RoundTripper {
		return byHost{strings.TrimPrefix(slow.URL, "https://"), both(roots), Transport(roots)}
	}
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := slow.Verify(ctx, slow.token(nil), slow.provider())
		ended <- err
	}()
	<-g.came
	if _, err := slow.Verify(t.Context(), quick.token(nil), quick.provider()); err != nil {
		t.Error(err)
	}
	leave() // a caller that leaves early has nothing to wait for
	wantKind(t, <-ended, key.KindIDPCommunicationError, "")
	close(g.open)
}

type byHost struct {
	slow            string
	gated, straight http.RoundTripper
}

func (b byHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == b.slow {
		return b.gated.RoundTrip(r)
	}
	return b.straight.RoundTrip(r)
}

// maxWaiters callers may wait for one provider. The next caller gets an error at once.
func TestWaitersAreBounded(t *testing.T) {
	i := newIssuer(t)
	g := i.behindGate()
	ended := make(chan error, maxWaiters)
	token := i.token(nil)
	for range cap(ended) {
		go func() {
			_, err := i.Verify(t.Context(), token, i.provider())
			ended <- err
		}()
	}
	i.waitForCallers(maxWaiters)
	_, err := i.Verify(t.Context(), token, i.provider())
	wantKind(t, err, key.KindIDPCommunicationError, "")
	if e, _ := errors.AsType[*key.Error](err); !errors.Is(e.Cause, errBusy) {
		t.Error(e.Cause)
	}
	close(g.open)
	for range cap(ended) {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if n := i.fetches.Load(); n != 1 || i.countWaiting() != 0 {
		t.Errorf("asked %d times, %d wait", n, i.countWaiting())
	}
}

// At most maxFetches providers are asked at the same time. A provider that was not asked for this reason can be
// asked when there is room.
func TestFetchesAreBounded(t *testing.T) {
	i := newIssuer(t)
	g := i.behindGate()
	ended := make(chan error, maxFetches)
	for n := range maxFetches {
		p := Provider{Issuer: fmt.Sprintf("https://127.0.0.1:1/%d", n), ClientIDs: []string{"sts"}}
		go func() {
			_, err := i.Verify(t.Context(), i.token(func(c map[string]any) { c["iss"] = p.Issuer }), p)
			ended <- err
		}()
		<-g.came
	}
	_, err := i.Verify(t.Context(), i.token(nil), i.provider())
	wantKind(t, err, key.KindIDPCommunicationError, "")
	if n := i.fetches.Load(); n != 0 {
		t.Errorf("asked %d times", n)
	}
	close(g.open)
	for range cap(ended) {
		wantKind(t, <-ended, key.KindIDPCommunicationError, "")
	}
	if _, err := i.Verify(t.Context(), i.token(nil), i.provider()); err != nil {
		t.Error(err)
	}
}

// Keys are fetched again before they are too old, and the old keys stay usable in the meantime.
func TestKeysAreFetchedAhead(t *testing.T) {
	i := newIssuer(t)
	g := i.behindGate()
	go func() { g.open <- struct{}{}; g.open <- struct{}{} }()
	good := i.tokenOf("k1", 4*time.Hour)
	verify := func() error {
		_, err := i.Verify(t.Context(), good, i.provider())
		return err
	}
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	<-g.came
	<-g.came
	i.moved.Store(int64(aheadAge) - 1)
	if err := verify(); err != nil || len(g.came) != 0 {
		t.Errorf("%v, %d requests", err, len(g.came))
	}
	i.moved.Store(int64(aheadAge))
	if err := verify(); err != nil {
		t.Error(err)
	}
	<-g.came // asked, but no caller waits
	i.moved.Store(int64(keysAge))
	ended := make(chan error, 1)
	go func() { ended <- verify() }()
	i.waitForCallers(1) // keys that are too old are not used
	close(g.open)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// The number of keys of a provider and the number of providers in memory are bounded.
func TestWhatIsKeptIsBounded(t *testing.T) {
	i := newIssuer(t)
	i.set = func() any {
		all := []jose.JSONWebKey{{Key: i.key.Public(), KeyID: strings.Repeat("k", maxName+1)}}
		for n := range 3 * maxKeys {
			all = append(all, jose.JSONWebKey{Key: i.key.Public(), KeyID: fmt.Sprintf("k%d", n)})
		}
		return i.keySet(all...)
	}
	if _, err := i.Verify(t.Context(), i.token(nil), i.provider()); err != nil {
		t.Fatal(err)
	}
	k, err := i.keyring(i.provider())
	if err != nil || len(k.keys) != maxKeys || k.keys[0].id != "k0" {
		t.Errorf("%d keys are kept, %v", len(k.keys), err)
	}
	for n := range maxKeyrings + 10 {
		if _, err := i.keyring(Provider{Issuer: fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
	}
	again, err := i.keyring(i.provider())
	if len(i.keyrings) != maxKeyrings || again != k || err != nil {
		t.Errorf("%d providers are kept, and the one that was asked last is not among them: %v", len(i.keyrings), err)
	}
}
