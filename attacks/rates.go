package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// ratedConns is the number of connections on which a tenant loops at full speed.
const ratedConns = 8

// A rated is a request of one class of operations (docs/api.md, Rates).
type rated struct {
	class   string
	request func(ctx context.Context, t *tenant) error
}

// A tenant is a user with keys of several kinds.
type tenant struct {
	server                    *server
	kms                       *kms.Client
	sts                       *sts.Client
	symmetric, pair, external *string
}

var classes = []rated{
	{"cryptographic", func(ctx context.Context, t *tenant) error {
		_, err := t.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: t.symmetric, Plaintext: []byte("m")})
		return err
	}},
	{"asymmetric", func(ctx context.Context, t *tenant) error {
		_, err := t.kms.Sign(ctx, &kms.SignInput{KeyId: t.pair, Message: []byte("m"),
			SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256})
		return err
	}},
	{"pairs", func(ctx context.Context, t *tenant) error {
		_, err := t.kms.GenerateDataKeyPair(ctx, &kms.GenerateDataKeyPairInput{KeyId: t.symmetric,
			KeyPairSpec: types.DataKeyPairSpecEccNistP256})
		return err
	}},
	{"import", func(ctx context.Context, t *tenant) error {
		_, err := t.kms.GetParametersForImport(ctx, &kms.GetParametersForImportInput{
			KeyId: t.external, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256,
			WrappingKeySpec: types.WrappingKeySpecRsa2048,
		})
		return err
	}},
	{"creation", func(ctx context.Context, t *tenant) error {
		_, err := t.kms.CreateKey(ctx, &kms.CreateKeyInput{})
		return err
	}},
	{"change", func(ctx context.Context, t *tenant) error {
		_, err := t.kms.UpdateKeyDescription(ctx, &kms.UpdateKeyDescriptionInput{KeyId: t.symmetric,
			Description: aws.String("d")})
		return err
	}},
	{"look", func(ctx context.Context, t *tenant) error {
		_, err := t.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: t.symmetric})
		return err
	}},
	{"list", func(ctx context.Context, t *tenant) error {
		_, err := t.kms.ListKeys(ctx, &kms.ListKeysInput{})
		return err
	}},
	{"session", func(ctx context.Context, t *tenant) error {
		_, err := t.sts.GetSessionToken(ctx, &sts.GetSessionTokenInput{})
		return err
	}},
}

func (s *server) tenant(ctx context.Context, name string) (*tenant, error) {
	as, err := s.user(ctx, name, mayAll)
	if err != nil {
		return nil, err
	}
	t := &tenant{server: s, kms: s.client(as, ratedConns)}
	t.sts = sts.New(sts.Options{
		BaseEndpoint: aws.String(s.url()), Region: region, HTTPClient: s.l.http(ratedConns), RetryMaxAttempts: 1,
		Credentials: t.kms.Options().Credentials,
	})
	for id, in := range map[**string]*kms.CreateKeyInput{
		&t.symmetric: {}, &t.external: {Origin: types.OriginTypeExternal},
		&t.pair: {KeySpec: types.KeySpecEccNistP256, KeyUsage: types.KeyUsageTypeSignVerify},
	} {
		made, err := t.kms.CreateKey(ctx, in)
		if err != nil {
			return nil, err
		}
		*id = made.KeyMetadata.KeyId
	}
	return t, nil
}

// outcomes counts the answers to an attacker.
type outcomes struct{ served, throttled, other atomic.Int64 }

func (o *outcomes) count(status int, body []byte) {
	switch {
	case status == http.StatusOK:
		o.served.Add(1)
	case bytes.Contains(body, []byte("Throttling")): // STS errors lack "Exception"
		o.throttled.Add(1)
	default:
		o.other.Add(1)
	}
}

// fullSpeed loops over each class as one tenant, with the default rates, while others encrypt.
func fullSpeed(ctx context.Context, l *lab) (string, error) {
	s, err := l.serve()
	if err != nil {
		return "", err
	}
	t, err := s.tenant(ctx, "mallory")
	if err != nil {
		return "", err
	}
	o, err := s.newOthers(ctx)
	if err != nil {
		return "", err
	}
	var worst string
	var most float64
	for _, class := range classes {
		var got outcomes
		stop, err := t.loop(ctx, class, &got)
		if err != nil {
			return "", err
		}
		took, err := o.measure(ctx, 4*time.Second)
		stop()
		if err != nil {
			return "", fmt.Errorf("%w: others were refused: %w", errMissed, err)
		}
		p50 := percentile(took, 50)
		if ratio := float64(p50) / float64(o.quiet); ratio > most {
			most = ratio
			worst = fmt.Sprintf("worst under %s: Encrypt p50 of others %.2f ms, quiet %.2f ms: %.1f times", class.class, ms(p50),
				ms(o.quiet), ratio)
		}
		if got.other.Load() > 0 {
			return worst, checkBar(false, "%d answers of %s are errors other than ThrottlingException", got.other.Load(),
				class.class)
		}
	}
	resident, err := s.checkRSS()
	return worst + "; " + resident, errors.Join(err, checkBar(most <= slowdown, "%.1f times, at most %d", most, slowdown))
}

// loop sends a request of a class at full speed until stop is called. The request is signed once, so that the
// attacker itself needs little processor time.
func (t *tenant) loop(ctx context.Context, class rated, got *outcomes) (stop func(), err error) {
	raw, err := t.sign(ctx, class)
	if err != nil {
		return nil, err
	}
	return t.server.repeat(ctx, ratedConns, raw, got), nil
}

// repeat sends a signed request on several connections, one after the other on each, until stop is called.
func (s *server) repeat(ctx context.Context, conns int, raw []byte, got *outcomes) (stop func()) {
	return inParallel(ctx, conns, func(ctx context.Context, _ int) {
		conn, err := s.l.dial(s)
		if err != nil {
			got.other.Add(1)
			return
		}
		defer conn.Close()
		answers := bufio.NewReader(conn)
		for ctx.Err() == nil {
			status, body, err := replay(conn, answers, raw)
			if err != nil {
				got.other.Add(1)
				return
			}
			got.count(status, body)
		}
	})
}

func replay(conn net.Conn, answers *bufio.Reader, raw []byte) (status int, body []byte, err error) {
	if _, err := conn.Write(raw); err != nil {
		return 0, nil, err
	}
	r, err := http.ReadResponse(answers, nil)
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(r.Body)
	return r.StatusCode, body, err
}

// sign returns a signed request of a class in its wire format.
func (t *tenant) sign(ctx context.Context, class rated) ([]byte, error) {
	c := &catcher{}
	caught := *t
	caught.kms = c.client(t.kms)
	caught.sts = sts.New(t.sts.Options(), func(o *sts.Options) { o.HTTPClient = c })
	if err := class.request(ctx, &caught); c.raw == nil {
		return nil, fmt.Errorf("sign a request of %s: %w", class.class, err)
	}
	return c.raw, nil
}

// A catcher keeps the request that an SDK would send.
type catcher struct{ raw []byte }

// client returns a client whose requests the catcher keeps.
func (c *catcher) client(of *kms.Client) *kms.Client {
	return kms.New(of.Options(), func(o *kms.Options) { o.HTTPClient = c })
}

func (c *catcher) Do(r *http.Request) (*http.Response, error) {
	raw, err := httputil.DumpRequestOut(r, true)
	if err != nil {
		return nil, err
	}
	c.raw = raw
	return nil, errors.New("caught, not sent")
}

// lowRates limits every rate to a few requests per second.
func lowRates(ctx context.Context, l *lab) (string, error) {
	const rate, length = 10, 3
	var flags []string
	for _, class := range classes {
		flags = append(flags, fmt.Sprintf("%s=%d", class.class, rate))
	}
	s, err := l.serve("--rate", strings.Join(flags, ","))
	if err != nil {
		return "", err
	}
	t, err := s.tenant(ctx, "mallory")
	if err != nil {
		return "", err
	}
	var served, throttled int64
	before, err := s.logSize()
	if err != nil {
		return "", err
	}
	for _, class := range classes {
		var got outcomes
		stop, err := t.loop(ctx, class, &got)
		if err != nil {
			return "", err
		}
		time.Sleep(length * time.Second)
		stop()
		n, refused, other := got.served.Load(), got.throttled.Load(), got.other.Load()
		served, throttled = served+n, throttled+refused
		if allowed := int64(rate * (10 + 3*length)); n > allowed || refused == 0 && n >= rate*(10+length) || other > 0 {
			return "", checkBar(false, "%s: %d served, at most %d; %d throttled, %d other errors", class.class, n, allowed,
				refused, other)
		}
	}
	after, err := s.logSize()
	if err != nil {
		return "", err
	}
	figure := fmt.Sprintf("%d requests served and %d throttled, %d KiB of log", served, throttled, (after-before)>>10)
	resident, err := s.checkRSS()
	return figure + "; " + resident, errors.Join(err, checkBar(after-before < 4096*(served+1000), "%d KiB of log",
		(after-before)>>10))
}
