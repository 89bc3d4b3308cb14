package main

import (
	"context"
	"fmt"
	"time"
)

const (
	turnConns = 64
	turnBar   = time.Second
	turnCount = 20 // number of revocations
)

// turns makes many connections change one key in loops, first of one user and then of as many users, while the
// root revokes.
func turns(ctx context.Context, l *lab) (string, error) {
	s, err := l.serve()
	if err != nil {
		return "", err
	}
	root := s.caller(s.root, 2)
	var crowd []*caller
	for i := range turnConns {
		c, err := s.newUser(ctx, root, fmt.Sprint("mallory", i), mayAll)
		if err != nil {
			return "", err
		}
		crowd = append(crowd, c)
	}
	one, err := revokeAgainst(ctx, root, func(int) *caller { return crowd[0] })
	if err != nil {
		return "", err
	}
	many, err := revokeAgainst(ctx, root, func(i int) *caller { return crowd[i] })
	figure := fmt.Sprintf(
		"%d revocations against %d connections took %.0f ms at most with one user, %.0f ms with %d users",
		turnCount, turnConns, ms(one), ms(many), turnConns)
	if err != nil {
		return figure, err
	}
	return figure, checkBar(max(one, many) <= turnBar, "%.0f ms, at most %.0f", ms(max(one, many)), ms(turnBar))
}

// revokeAgainst returns the duration of the slowest revocation, each on a key that all connections change in
// loops. A revocation that fails misses the bar.
func revokeAgainst(ctx context.Context, root *caller, by func(i int) *caller) (slowest time.Duration, err error) {
	for n := range turnCount {
		made, err := root.must(ctx, "CreateKey", `{}`)
		if err != nil {
			return 0, err
		}
		id := made.text("KeyMetadata", "KeyId")
		stop := inParallel(ctx, turnConns, func(ctx context.Context, i int) {
			for k := 0; ctx.Err() == nil; k++ {
				by(i).do(ctx, "PutKeyPolicy", `{"KeyId":"`+id+`","Policy":`+quote(keyPolicy(fmt.Sprint(i, "x", k), ""))+`}`)
			}
		})
		time.Sleep(300 * time.Millisecond)
		revoke := step{"DisableKey", `{"KeyId":"` + id + `"}`}
		if n%2 == 0 {
			revoke = step{"PutKeyPolicy", `{"KeyId":"` + id + `","Policy":` + quote(keyPolicy("0", "mallory0")) + `}`}
		}
		begun := time.Now()
		_, err = root.must(ctx, revoke.operation, revoke.members)
		slowest = max(slowest, time.Since(begun))
		stop()
		if err != nil {
			return slowest, fmt.Errorf("%w: a revocation failed after %.0f ms: %w", errMissed, ms(slowest), err)
		}
	}
	return slowest, nil
}
