package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// greedyPolicies is the number of policies that fill the memory. greedyKeys is the number of keys with the
// largest records, and with the largest material.
const greedyPolicies, greedyKeys = 1100, 600

// greedy returns the i-th of many key policies with the largest compiled form: each of its short patterns has
// another byte.
func greedy(i int) string {
	var patterns []string
	for j := 0; len(patterns)*6 < 31<<10; j++ {
		patterns = append(patterns, fmt.Sprintf(`"?%c*"`, 'A'+j%58))
	}
	all := strings.ReplaceAll(strings.Join(patterns, ","), `\`, "z")
	return fmt.Sprintf(`{"Version":"2012-10-17","Id":"%d",`+
		`"Statement":[{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"kms:*",`+
		`"Resource":"*"},`+
		`{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*",`+
		`"Condition":{"StringLike":{"kms:EncryptionContext:a":[%s]}}}]}`, i, account, all)
}

// fillMemory fills the caches of policies, records and key material.
func fillMemory(ctx context.Context, l *lab) (string, error) {
	s, err := l.serve()
	if err != nil {
		return "", err
	}
	mallory, err := s.user(ctx, "mallory", mayAll)
	if err != nil {
		return "", err
	}
	client := s.client(mallory, 4)
	made, err := client.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return "", err
	}
	id := made.KeyMetadata.KeyId
	var figures []string
	for _, fill := range []struct {
		name string
		n    int
		one  func(i int) error
	}{
		{"key policies", greedyPolicies, func(i int) error {
			_, err := client.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: id, Policy: aws.String(greedy(i)),
				BypassPolicyLockoutSafetyCheck: true})
			return err
		}},
		{"keys with tags", greedyKeys, func(int) error { return largeKey(ctx, client) }},
		{"ML-DSA keys", greedyKeys, func(int) error { return largeMaterial(ctx, client) }},
	} {
		if err := repeat(ctx, fill.n, fill.one); err != nil {
			return strings.Join(figures, "; "), fmt.Errorf("%s: %w", fill.name, err)
		}
		resident, err := s.checkRSS()
		figures = append(figures, fmt.Sprintf("%d %s: %s", fill.n, fill.name, resident))
		if err != nil {
			return strings.Join(figures, "; "), err
		}
	}
	time.Sleep(5 * time.Second) // caches may be trimmed late
	resident, err := s.checkRSS()
	return strings.Join(append(figures, "afterwards "+resident), "; "), err
}

// largeKey creates a key with the maximum number of tags, each of maximum length.
func largeKey(ctx context.Context, client *kms.Client) error {
	var tags []types.Tag
	for i := range 50 {
		tags = append(tags, types.Tag{TagKey: aws.String(fmt.Sprintf("%0128d", i)),
			TagValue: aws.String(strings.Repeat("v", 256))})
	}
	_, err := client.CreateKey(ctx, &kms.CreateKeyInput{Tags: tags})
	return err
}

// largeMaterial creates a key with the largest key material, and uses the key.
func largeMaterial(ctx context.Context, client *kms.Client) error {
	made, err := client.CreateKey(ctx, &kms.CreateKeyInput{KeySpec: types.KeySpecMlDsa87,
		KeyUsage: types.KeyUsageTypeSignVerify})
	if err != nil {
		return err
	}
	for range 3 { // a connection may be closed before a long answer was read
		_, err = client.Sign(ctx, &kms.SignInput{KeyId: made.KeyMetadata.KeyId, Message: []byte("m"),
			SigningAlgorithm: types.SigningAlgorithmSpecMlDsaShake256})
		if err == nil {
			break
		}
	}
	return err
}

// repeat calls one n times, from four goroutines, until it fails.
func repeat(ctx context.Context, n int, one func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var next atomic.Int64
	stop := inParallel(ctx, 4, func(ctx context.Context, _ int) {
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			if err := one(i); err != nil {
				cancel(err)
			}
		}
	})
	for ctx.Err() == nil && int(next.Load()) < n+4 {
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return context.Cause(ctx)
}
