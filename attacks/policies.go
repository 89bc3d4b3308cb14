package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
)

// A heavy is an expensive key policy, and a request that is decided by it.
type heavy struct {
	name      string
	operator  string
	key       string // condition key; %d is a number
	value     string
	alone     bool // each condition is in a statement of its own
	encrypts  bool // Encrypt with a large encryption context; otherwise DescribeKey
	small     bool // the context has the largest size of requests that take no turn
	condition int  // maximum number of conditions
}

// ordinary is a cheap policy. It shows how much the number of requests alone slows others down.
var ordinary = heavy{operator: "StringEquals", key: "aws:username", value: "x", condition: 1}

var heavies = []heavy{
	{name: "aliases", operator: "ForAnyValue:StringLike", key: "kms:ResourceAliases", value: "*a?b*", alone: true},
	{name: "names of a context", operator: "ForAllValues:StringNotEqualsIgnoreCase", key: "kms:EncryptionContextKeys",
		value: "x", alone: true, encrypts: true},
	{name: "pairs of a context", operator: "StringNotEquals", key: "kms:EncryptionContext:k%d", value: "x", encrypts: true,
		condition: 900},
	{name: "pairs of a small context", operator: "StringNotEquals", key: "kms:EncryptionContext:k%d", value: "x",
		encrypts: true, small: true, condition: 900},
	{name: "variables", operator: "StringNotLike", key: "kms:EncryptionContext:long",
		value: "*${kms:EncryptionContext:half}?b*", alone: true, encrypts: true},
	{name: "folded", operator: "StringNotEqualsIgnoreCase", key: "kms:EncryptionContext:wide", value: "ü", alone: true,
		encrypts: true},
}

// policy returns the key policy of up to 32 KiB. Its first statement allows the account everything, and the
// conditions of the others do not hold.
func (h heavy) policy() string {
	const head = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account +
		`"},"Action":"kms:*","Resource":"*"}`
	const deny = `,{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"`
	var b strings.Builder
	b.WriteString(head)
	if !h.alone {
		b.WriteString(deny + h.operator + `":{"kms:ViaService":"x"`)
	}
	for i := 0; h.condition == 0 || i < h.condition; i++ {
		next := `,"` + strings.ReplaceAll(h.key, "%d", fmt.Sprint(i)) + `":"` + h.value + `"`
		if h.alone {
			next = deny + h.operator + `":{` + next[1:] + `}}}`
		}
		if b.Len()+len(next)+10 > 32<<10 {
			break
		}
		b.WriteString(next)
	}
	if !h.alone {
		b.WriteString("}}}")
	}
	b.WriteString("]}")
	return b.String()
}

// largeContext returns an encryption context of about 8 KiB.
func largeContext() map[string]string {
	pairs := map[string]string{"long": strings.Repeat("a", 2000), "half": strings.Repeat("a", 999),
		"wide": strings.Repeat("Σ", 1000)}
	for i := range 250 {
		pairs[fmt.Sprintf("k%d", i)] = "v"
	}
	return pairs
}

// smallContext returns an encryption context of almost 2 KiB.
func smallContext() map[string]string {
	pairs := map[string]string{}
	for i := range 185 {
		pairs[fmt.Sprintf("k%d", i)] = "v"
	}
	return pairs
}

// heavyConns is the number of connections of the attacker.
const heavyConns = 30

// heavyPolicies measures others while a user sends requests about keys with expensive policies.
func heavyPolicies(ctx context.Context, l *lab) (string, error) {
	s, err := l.serve()
	if err != nil {
		return "", err
	}
	mallory, err := s.user(ctx, "mallory", mayAll)
	if err != nil {
		return "", err
	}
	o, err := s.newOthers(ctx)
	if err != nil {
		return "", err
	}
	client := s.client(mallory, heavyConns)
	figure, err := o.compareHeavy(ctx, client, ordinary)
	if err != nil && !errors.Is(err, errMissed) {
		return "", err
	}
	figures := []string{"as many requests with an ordinary policy, for comparison: " + figure}
	var slow error
	for _, h := range heavies {
		figure, err := o.compareHeavy(ctx, client, h)
		figures = append(figures, h.name+": "+figure)
		if err != nil && !errors.Is(err, errMissed) {
			return strings.Join(figures, "; "), err
		}
		slow = errors.Join(slow, err)
	}
	resident, err := s.checkRSS()
	return strings.Join(append(figures, resident), "; "), errors.Join(slow, err)
}

// compareHeavy measures others while a user sends requests about a key with the policy. The request is signed
// once, so that the attacker itself needs little processor time.
func (o *others) compareHeavy(ctx context.Context, client *kms.Client, h heavy) (string, error) {
	id, err := heavyKey(ctx, client, h)
	if err != nil {
		return "", err
	}
	ask := func(ctx context.Context, client *kms.Client) error {
		_, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: id})
		return err
	}
	if h.encrypts {
		pairs := largeContext()
		if h.small {
			pairs = smallContext()
		}
		ask = func(ctx context.Context, client *kms.Client) error {
			_, err := client.Encrypt(ctx, &kms.EncryptInput{KeyId: id, Plaintext: []byte("x"), EncryptionContext: pairs})
			return err
		}
	}
	took, err := alone(ctx, func(ctx context.Context) error { return ask(ctx, client) })
	if err != nil {
		return "", err
	}
	caught := &catcher{}
	if err := ask(ctx, caught.client(client)); caught.raw == nil {
		return "", fmt.Errorf("sign a request: %w", err)
	}
	stop := o.server.repeat(ctx, heavyConns, caught.raw, &outcomes{})
	defer stop()
	figure, err := o.compareWithQuiet(ctx, 5*time.Second)
	return fmt.Sprintf("%.1f ms alone, %s", ms(took), figure), err
}

// alone returns the shortest time of a request while there are no other requests. Refusals count as answers.
func alone(ctx context.Context, ask func(context.Context) error) (least time.Duration, err error) {
	least = time.Hour
	for range 10 {
		begun := time.Now()
		if err := ask(ctx); err != nil && !refused(err) {
			return 0, err
		}
		least = min(least, time.Since(begun))
	}
	return least, nil
}

// refused reports whether a request was answered with AccessDeniedException.
func refused(err error) bool {
	var e smithy.APIError
	return errors.As(err, &e) && e.ErrorCode() == "AccessDeniedException"
}

// heavyKey creates a key with the policy and the maximum number of aliases.
func heavyKey(ctx context.Context, client *kms.Client, h heavy) (*string, error) {
	made, err := client.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return nil, err
	}
	id := made.KeyMetadata.KeyId
	for i := range 50 {
		name := fmt.Sprintf("alias/%s/%s/%d", *id, strings.Repeat("a", 190), i)
		if _, err := client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &name, TargetKeyId: id}); err != nil {
			return nil, err
		}
	}
	_, err = client.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: id, Policy: aws.String(h.policy()),
		BypassPolicyLockoutSafetyCheck: true})
	return id, err
}
