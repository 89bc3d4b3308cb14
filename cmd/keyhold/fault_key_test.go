package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// A faultKey is a key with the history of all requests about it, by several workers at a time.
type faultKey struct {
	description    string // which identifies a key whose creation got no response
	id             string
	token, wrapped []byte // for imports
	prepared       string // the ID of the last request before the work on the key
	initial        faultState
	lived          int // the number of servers that ended during the work on the key

	mu      sync.Mutex
	blob    []byte // a ciphertext of the key's own ID
	history []porcupine.Operation
	changes []string // request IDs of acknowledged changes
	aliases []string // acknowledged
}

func newFaultKey() *faultKey {
	return &faultKey{description: fmt.Sprintf("key %d", mathrand.Int())}
}

// faultEpoch is the zero of all times in histories.
var faultEpoch = time.Now()

// openEnd is the end of an operation without a response, until it can no longer take effect.
const openEnd = -1

// do carries out an operation and adds it to the history. live is false if there is no server to
// answer.
func (k *faultKey) do(ctx context.Context, s *faultServer, op faultOp) (answer string, live bool) {
	k.mu.Lock()
	blob := k.blob
	k.mu.Unlock()
	called := time.Since(faultEpoch)
	a, err := s.call(ctx, op.name, k.input(op, blob))
	end := int64(time.Since(faultEpoch))
	k.mu.Lock()
	defer k.mu.Unlock()
	answer = k.read(op, a, err)
	if answer == answerUnknown {
		if end = openEnd; op.reads() {
			return answer, err == nil // a read without a response says nothing
		}
	}
	k.history = append(k.history, porcupine.Operation{Input: op, Output: answer, Call: int64(called), Return: end, Metadata: a.id})
	if answer == answerOK && !op.reads() {
		k.changes = append(k.changes, a.id)
	}
	if answer == answerOK && op.alias != "" {
		k.aliases = append(k.aliases, op.alias)
	}
	return answer, err == nil
}

func (k *faultKey) input(op faultOp, blob []byte) map[string]any {
	switch op.name {
	case "CreateKey":
		return map[string]any{"Origin": "EXTERNAL", "Description": k.description}
	case "CreateAlias":
		return map[string]any{"AliasName": op.alias, "TargetKeyId": k.id}
	case "ImportKeyMaterial":
		return map[string]any{"KeyId": k.id, "ImportToken": k.token, "EncryptedKeyMaterial": k.wrapped, "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
	case "ScheduleKeyDeletion":
		return map[string]any{"KeyId": k.id, "PendingWindowInDays": 7}
	case "Encrypt":
		return map[string]any{"KeyId": k.id, "Plaintext": []byte(k.id)}
	case "Decrypt":
		return map[string]any{"CiphertextBlob": blob}
	}
	return map[string]any{"KeyId": k.id}
}

// read returns the answer in the terms of the model, and keeps new IDs and ciphertexts.
func (k *faultKey) read(op faultOp, a faultAnswer, err error) string {
	switch {
	case err != nil || a.status >= 500:
		return answerUnknown
	case a.status != 200:
		return a.kind
	}
	switch op.name {
	case "CreateKey":
		k.id, _ = a.member("KeyMetadata", "KeyId").(string)
	case "DescribeKey":
		state, _ := a.member("KeyMetadata", "KeyState").(string)
		return faultState{state: state, material: a.member("KeyMetadata", "ExpirationModel") != nil}.describe()
	case "ListAliases":
		aliases := ""
		all, _ := a.member("Aliases").([]any)
		for _, entry := range all {
			name, _ := entry.(map[string]any)["AliasName"].(string)
			aliases = withAlias(aliases, name)
		}
		return aliases
	case "Encrypt":
		if k.blob == nil {
			k.blob = a.bytes("CiphertextBlob")
		}
	case "Decrypt":
		if string(a.bytes("Plaintext")) != k.id {
			return "another plaintext"
		}
	}
	return answerOK
}

// prepare creates the key, and gets the parameters for its imports.
func (k *faultKey) prepare(ctx context.Context, s *faultServer) error {
	if k.token != nil {
		return nil
	}
	if answer, _ := k.do(ctx, s, faultOp{name: "CreateKey"}); answer != answerOK {
		return fmt.Errorf("CreateKey: %s", answer)
	}
	a, err := faultAnswer{kind: answerThrottle}, error(nil) // the server throttles while it makes wrapping keys
	for a.kind == answerThrottle {
		a, err = s.call(ctx, "GetParametersForImport", map[string]any{"KeyId": k.id, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"})
	}
	if err != nil || a.status != 200 {
		return fmt.Errorf("GetParametersForImport: %w, %d %s", err, a.status, a.body)
	}
	public, err := x509.ParsePKIXPublicKey(a.bytes("PublicKey"))
	if err != nil {
		return err
	}
	material := make([]byte, 32)
	rand.Read(material)
	if k.wrapped, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), material, nil); err != nil {
		return err
	}
	k.token, k.prepared = a.bytes("ImportToken"), a.id
	return nil
}

// faultMix has each operation as often as workers choose it, in proportion.
var faultMix = strings.Fields(strings.Repeat("ImportKeyMaterial ", 5) + strings.Repeat("DeleteImportedKeyMaterial ", 3) +
	strings.Repeat("CreateAlias ", 2) + strings.Repeat("DisableKey ", 2) + strings.Repeat("EnableKey ", 3) +
	strings.Repeat("ScheduleKeyDeletion ", 1) + strings.Repeat("CancelKeyDeletion ", 3) +
	strings.Repeat("DescribeKey ", 2) + strings.Repeat("ListAliases ", 1) + strings.Repeat("Encrypt ", 2) + strings.Repeat("Decrypt ", 3))

func (k *faultKey) choose() faultOp {
	op := faultOp{name: faultMix[mathrand.IntN(len(faultMix))]}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case op.name == "CreateAlias":
		op.alias = fmt.Sprintf("alias/%s/%d", k.id, mathrand.IntN(12))
	case op.name == "Decrypt" && k.blob == nil:
		op.name = "Encrypt"
	}
	return op
}

// work does operations until there is no server, or the load must rest. After a response that leaves
// the result open, it only reads, and failed is true.
func (k *faultKey) work(ctx context.Context, s *faultServer) (failed bool) {
	for {
		select {
		case <-s.rest:
			return failed
		default:
		}
		op := k.choose()
		if failed && !op.reads() {
			op = faultOp{name: "DescribeKey"}
		}
		answer, live := k.do(ctx, s, op)
		if !live {
			return failed
		}
		failed = failed || answer == answerUnknown
	}
}

// copy returns the key and its history, for a copy of the folder.
func (k *faultKey) copy() *faultKey {
	return &faultKey{
		id: k.id, token: k.token, wrapped: k.wrapped, initial: k.initial, blob: k.blob,
		history: slices.Clone(k.history), changes: slices.Clone(k.changes), aliases: slices.Clone(k.aliases),
	}
}

// closeHistory ends the operations without a response: they have taken effect by now, or never will.
// It returns their number.
func (k *faultKey) closeHistory() (open int) {
	now := int64(time.Since(faultEpoch))
	for i, op := range k.history {
		if op.Return == openEnd {
			k.history[i].Return = now
			open++
		}
	}
	return open
}

// inspect reads the key while no worker changes it, and returns changes that are half done or lost.
// A key without a ciphertext gets one.
func (k *faultKey) inspect(ctx context.Context, s *faultServer) (problems error) {
	described, live := k.do(ctx, s, faultOp{name: "DescribeKey"})
	aliases, _ := k.do(ctx, s, faultOp{name: "ListAliases"})
	use := faultOp{name: "Decrypt"}
	if k.blob == nil {
		use.name = "Encrypt"
	}
	used, _ := k.do(ctx, s, use)
	state, hasMaterial := strings.CutSuffix(described, " with material")
	want, _ := faultState{state: state, material: hasMaterial}.after(use)
	if !live || used != want || hasMaterial != (state == "Enabled" || state == "Disabled") && state != "PendingDeletion" {
		problems = fmt.Errorf("half done: key %s is %s, and %s answers %s", k.id, described, use.name, used)
	}
	for _, alias := range k.aliases {
		if !strings.Contains(","+aliases, ","+alias+",") {
			problems = errors.Join(problems, fmt.Errorf("lost: %s, of key %s, which has %s", alias, k.id, aliases))
		}
	}
	return problems
}

// finish cancels the deletion and enables the key, which shows whether the key has material, and
// checks the history.
func (k *faultKey) finish(ctx context.Context, s *faultServer) error {
	for _, name := range []string{"CancelKeyDeletion", "EnableKey"} {
		k.do(ctx, s, faultOp{name: name})
	}
	return errors.Join(k.inspect(ctx, s), k.check())
}

// check compares the history of a key with the model.
func (k *faultKey) check() error {
	if linearizable(k.initial, k.history) {
		return nil
	}
	var text strings.Builder
	for _, op := range slices.SortedFunc(slices.Values(k.history), func(a, b porcupine.Operation) int { return int(a.Call - b.Call) }) {
		fmt.Fprintf(&text, "  %12d to %12d us: %v: %v\n", op.Call/1000, op.Return/1000, op.Input, op.Output)
	}
	return fmt.Errorf("not linearizable: key %s, from %+v on:\n%s", k.id, k.initial, &text)
}

// currentState returns the state of a key that no worker changes.
func (k *faultKey) currentState(ctx context.Context, s *faultServer) faultState {
	described, _ := k.do(ctx, s, faultOp{name: "DescribeKey"})
	aliases, _ := k.do(ctx, s, faultOp{name: "ListAliases"})
	state, material := strings.CutSuffix(described, " with material")
	return faultState{state, material, aliases}
}

// each calls fn for all keys at the same time, and reports the errors.
func each(t *testing.T, keys []*faultKey, fn func(k *faultKey) error) {
	t.Helper()
	var all sync.WaitGroup
	for _, k := range keys {
		all.Go(func() {
			if err := fn(k); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
