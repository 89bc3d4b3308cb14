package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// others is an honest tenant that encrypts while a server is attacked.
type others struct {
	server *server
	client *kms.Client
	key    *string
	quiet  time.Duration // p50 of Encrypt before the attack
}

// pace is the time between requests of others, which are not a load.
const pace = 5 * time.Millisecond

// newOthers creates a key as the root and measures Encrypt without an attack.
func (s *server) newOthers(ctx context.Context) (*others, error) {
	o := &others{server: s, client: s.client(s.root, 1)}
	made, err := o.client.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return nil, err
	}
	o.key = made.KeyMetadata.KeyId
	quiet, err := o.measure(ctx, 3*time.Second)
	o.quiet = percentile(quiet, 50)
	return o, err
}

// measure encrypts for a while and returns the time of each request, sorted. If requests fail, the error
// contains their number and the first error.
func (o *others) measure(ctx context.Context, length time.Duration) (took []time.Duration, err error) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	failures := 0
	for begun := time.Now(); time.Since(begun) < length; {
		at := time.Now()
		_, failed := o.client.Encrypt(ctx, &kms.EncryptInput{KeyId: o.key, Plaintext: []byte("others")})
		if failed != nil {
			failures++
			err = cmp.Or(err, failed)
			if ctx.Err() != nil {
				break
			}
		}
		took = append(took, time.Since(at))
		<-tick.C
	}
	slices.Sort(took)
	if err != nil {
		err = fmt.Errorf("%d of %d requests failed, the first: %w", failures, len(took), err)
	}
	return took, err
}

// percentile returns the p-th percentile of sorted durations.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

// slowdown is the bar of all attacks: how many times longer the p50 of Encrypt of others may be than without an
// attack.
const slowdown = 3

// compareWithQuiet measures others for a while during an attack, and compares their p50 with the bar.
func (o *others) compareWithQuiet(ctx context.Context, length time.Duration) (figure string, err error) {
	took, err := o.measure(ctx, length)
	if err != nil {
		return "", fmt.Errorf("%w: others were refused: %w", errMissed, err)
	}
	p50 := percentile(took, 50)
	ratio := float64(p50) / float64(o.quiet)
	figure = fmt.Sprintf("Encrypt p50 of others %.2f ms, quiet %.2f ms: %.1f times", ms(p50), ms(o.quiet), ratio)
	return figure, checkBar(ratio <= slowdown, "Encrypt p50 of others %.1f times, at most %d", ratio, slowdown)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// inParallel runs attack in n goroutines until stop is called, which waits for them to end. attack must return
// when its context ends.
func inParallel(ctx context.Context, n int, attack func(ctx context.Context, i int)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { attack(ctx, i) })
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// quiet measures a server without an attack, for comparison and to show that the lab works.
func quiet(ctx context.Context, l *lab) (string, error) {
	s, err := l.serve()
	if err != nil {
		return "", err
	}
	if _, err := s.user(ctx, "mallory", mayAll); err != nil {
		return "", err
	}
	o, err := s.newOthers(ctx)
	if err != nil {
		return "", err
	}
	figure, err := o.compareWithQuiet(ctx, 2*time.Second)
	if err != nil {
		return figure, err
	}
	resident, err := s.checkRSS()
	return figure + "; " + resident, err
}
