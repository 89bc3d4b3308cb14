package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

var plaintext = []byte("the combination is 12-34-56")

func encryptionContext() map[string]string { return map[string]string{"room": "archive"} }

// A walk makes one call after another, until a result differs.
type walk struct {
	ctx        context.Context
	kms        *kms.Client
	abroad     *kms.Client // in another Region
	out        io.Writer
	calls      int
	err        error              // of the first call whose result differed
	arns       map[string]*string // of the keys, by purpose
	ciphertext []byte             // of Encrypt under the symmetric key
}

// call runs the step and prints the label. After an error, later calls do nothing.
func (w *walk) call(label string, step func() error) {
	if w.err != nil {
		return
	}
	if err := step(); err != nil {
		w.err = fmt.Errorf("%s: %w", label, err)
		return
	}
	w.calls++
	fmt.Fprintln(w.out, label)
}

func (w *walk) describe(id *string) (*types.KeyMetadata, error) { return describe(w.ctx, w.kms, id) }

func describe(ctx context.Context, client *kms.Client, id *string) (*types.KeyMetadata, error) {
	out, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: id})
	if err != nil {
		return nil, err
	}
	return present(out.KeyMetadata)
}

func (w *walk) createKey(in *kms.CreateKeyInput) (*types.KeyMetadata, error) {
	out, err := w.kms.CreateKey(w.ctx, in)
	if err != nil {
		return nil, err
	}
	return present(out.KeyMetadata)
}

// present returns an error if an answer has no key.
func present(key *types.KeyMetadata) (*types.KeyMetadata, error) {
	if key == nil || key.Arn == nil {
		return nil, errors.New("the answer has no key metadata with an ARN")
	}
	return key, nil
}

// state returns an error unless a key is in the state.
func (w *walk) state(id *string, want types.KeyState) error {
	key, err := w.describe(id)
	if err != nil {
		return err
	}
	return expect("the state", key.KeyState, want)
}

// refused returns an error unless err is the SDK's own exception E.
func refused[E smithy.APIError](err error) error {
	if err == nil {
		return fmt.Errorf("expected %v, but it succeeded", reflect.TypeFor[E]())
	}
	if _, ok := errors.AsType[E](err); !ok {
		return fmt.Errorf("expected %v, got %w", reflect.TypeFor[E](), err)
	}
	return nil
}

// refusedAs returns an error unless err has the code. It is for codes without a type in the SDK.
func refusedAs(code string, err error) error {
	if err == nil {
		return fmt.Errorf("expected %s, but it succeeded", code)
	}
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != code {
		return fmt.Errorf("expected %s, got %w", code, err)
	}
	return nil
}

func expect[T any](what string, got, want T) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s: expected %v, got %v", what, want, got)
	}
	return nil
}
