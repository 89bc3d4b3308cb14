package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// quotas creates keys, aliases and grants as one tenant with several connections, until each quota is used up.
func quotas(ctx context.Context, l *lab) (string, error) {
	const keys, aliases, grants = 60, 40, 80
	s, err := l.serve("--quota", fmt.Sprintf("keys=%d,aliases=%d,grants=%d", keys, aliases, grants))
	if err != nil {
		return "", err
	}
	mallory, err := s.user(ctx, "mallory", mayAll)
	if err != nil {
		return "", err
	}
	c := s.client(mallory, 8)
	made, err := c.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return "", err
	}
	id := made.KeyMetadata.KeyId
	var number atomic.Int64
	var figure string
	for _, one := range []struct {
		name  string
		limit int64 // how many more the quota allows
		make  func() error
	}{
		{"keys", keys - 1, func() error {
			_, err := c.CreateKey(ctx, &kms.CreateKeyInput{Origin: types.OriginTypeExternal})
			return err
		}},
		{"aliases", aliases, func() error {
			_, err := c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String(fmt.Sprint("alias/", number.Add(1))),
				TargetKeyId: id})
			return err
		}},
		{"grants", grants, func() error {
			_, err := c.CreateGrant(ctx, &kms.CreateGrantInput{KeyId: id,
				GranteePrincipal: aws.String("arn:aws:iam::" + account + ":root"),
				Operations:       []types.GrantOperation{types.GrantOperationDecrypt}})
			return err
		}},
	} {
		n, err := exhaust(ctx, one.limit, one.make)
		if err != nil {
			return figure, fmt.Errorf("%s: %w", one.name, err)
		}
		figure += fmt.Sprintf("%d of %d %s, ", n, one.limit, one.name)
		if err := checkBar(n == one.limit, "%d %s were made, the quota leaves %d", n, one.name, one.limit); err != nil {
			return figure, err
		}
	}
	resident, err := s.checkRSS()
	return figure + resident, err
}

// exhaust tries to create three times as many things as the quota allows, on 8 connections, and returns the
// number created. All other calls must fail because of the quota.
func exhaust(ctx context.Context, limit int64, create func() error) (int64, error) {
	var begun, made, odd atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for begun.Add(1) <= 3*limit && ctx.Err() == nil {
				err := create()
				var full *types.LimitExceededException
				switch {
				case err == nil:
					made.Add(1)
				case !errors.As(err, &full):
					odd.Add(1)
				}
			}
		})
	}
	group.Wait()
	if odd.Load() > 0 {
		return made.Load(), checkBar(false, "%d errors other than LimitExceededException", odd.Load())
	}
	return made.Load(), nil
}
