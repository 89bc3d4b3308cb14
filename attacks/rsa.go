package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// An expensive is a kind of request that takes much processor time.
type expensive struct {
	name  string
	conns int // number of connections on which one user loops
	// prepare returns the request.
	prepare func(ctx context.Context, c *kms.Client) (request func(context.Context) error, err error)
	other   bool // another user sends the same request during the attack and must be served
}

var (
	generating = expensive{"GenerateDataKeyPair RSA_4096", 8, generateRSA, true}
	signing    = expensive{"Sign RSA_4096", 64, signRSA, true}
	wrapping   = expensive{"GetParametersForImport RSA_4096", 8, parametersRSA, false}
)

// burn attacks with each of the kinds in turn. If affinity is not empty, it limits the server to these
// processors (taskset(1)).
func burn(affinity string, kinds ...expensive) func(ctx context.Context, l *lab) (string, error) {
	return func(ctx context.Context, l *lab) (string, error) {
		s, err := l.serveOn(affinity)
		if err != nil {
			return "", err
		}
		o, err := s.newOthers(ctx)
		if err != nil {
			return "", err
		}
		mallory, err := s.user(ctx, "mallory", mayAll)
		if err != nil {
			return "", err
		}
		bob, err := s.user(ctx, "bob", mayAll)
		if err != nil {
			return "", err
		}
		var figures []string
		for _, kind := range kinds {
			figure, err := s.burnOne(ctx, o, mallory, bob, kind)
			figures = append(figures, kind.name+": "+figure)
			if err != nil {
				return strings.Join(figures, "; "), err
			}
		}
		resident, err := s.checkRSS()
		return strings.Join(append(figures, resident), "; "), err
	}
}

// serveOn is serve limited to some processors.
func (l *lab) serveOn(affinity string) (*server, error) {
	s, err := l.serve()
	if err != nil || affinity == "" {
		return s, err
	}
	s.stop()
	words := append([]string{"--cpu-list", affinity}, s.cmd.Args...)
	return s, s.startAs(exec.Command("taskset", words...))
}

func (s *server) burnOne(ctx context.Context, o *others, mallory, bob aws.Credentials, kind expensive) (string, error) {
	request, err := kind.prepare(ctx, s.client(mallory, kind.conns))
	if err != nil {
		return "", err
	}
	honest, err := kind.prepare(ctx, s.client(bob, 1))
	if err != nil {
		return "", err
	}
	var served, refused atomic.Int64
	stop := inParallel(ctx, kind.conns, func(ctx context.Context, _ int) {
		for ctx.Err() == nil {
			if err := request(ctx); err == nil {
				served.Add(1)
			} else if ctx.Err() == nil {
				refused.Add(1)
			}
		}
	})
	defer stop()
	time.Sleep(time.Second)
	figure, err := o.compareWithQuiet(ctx, 10*time.Second)
	if err != nil {
		return figure, err
	}
	if kind.other {
		at := time.Now()
		if err := honest(ctx); err != nil {
			return figure, fmt.Errorf("%w: another user was refused: %w", errMissed, err)
		}
		figure += fmt.Sprintf(", another user served in %.1f s", time.Since(at).Seconds())
	}
	figure += fmt.Sprintf(", the attacker served %d times and refused %d times", served.Load(), refused.Load())
	return figure, checkBar(refused.Load() == 0 || !kind.other, "requests of the attacker failed although each had a "+
		"connection to wait on")
}

func generateRSA(ctx context.Context, c *kms.Client) (func(context.Context) error, error) {
	made, err := c.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		_, err := c.GenerateDataKeyPair(ctx, &kms.GenerateDataKeyPairInput{KeyId: made.KeyMetadata.KeyId,
			KeyPairSpec: types.DataKeyPairSpecRsa4096})
		return err
	}, nil
}

func signRSA(ctx context.Context, c *kms.Client) (func(context.Context) error, error) {
	made, err := c.CreateKey(ctx, &kms.CreateKeyInput{KeySpec: types.KeySpecRsa4096,
		KeyUsage: types.KeyUsageTypeSignVerify})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		_, err := c.Sign(ctx, &kms.SignInput{KeyId: made.KeyMetadata.KeyId, Message: []byte("m"),
			SigningAlgorithm: types.SigningAlgorithmSpecRsassaPssSha256})
		return err
	}, nil
}

func parametersRSA(ctx context.Context, c *kms.Client) (func(context.Context) error, error) {
	made, err := c.CreateKey(ctx, &kms.CreateKeyInput{Origin: types.OriginTypeExternal})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		_, err := c.GetParametersForImport(ctx, &kms.GetParametersForImportInput{
			KeyId: made.KeyMetadata.KeyId, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256,
			WrappingKeySpec: types.WrappingKeySpecRsa4096,
		})
		return err
	}, nil
}
