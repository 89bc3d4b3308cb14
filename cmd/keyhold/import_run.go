package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/byok/awsimport"
)

func (o *importOptions) run(ctx context.Context, ref string, progress printer) (err error) {
	if err := harden(); err != nil {
		return err
	}
	switch o.way() {
	case firstHalf:
		err = o.writeParameters(ctx, ref, progress)
	case secondHalf:
		ref = o.wrapped
		err = o.importWrapped(ctx, progress)
	default:
		err = o.importWhole(ctx, ref, progress)
	}
	if _, usage := errors.AsType[usageError](err); err == nil || usage {
		return err
	}
	return fmt.Errorf("import %s: %w", ref, err)
}

// importWhole takes all steps. Whatever can be wrong with the material is found
// before anything is made.
func (o *importOptions) importWhole(ctx context.Context, ref string, progress printer) error {
	if err := o.source.read(); err != nil {
		return err
	}
	defer o.source.clear()
	server, err := o.client.connect(ctx, progress)
	if err != nil {
		return err
	}
	now := server.now(ctx)
	validTo, err := o.expiry.validTo(now)
	if err != nil {
		return err
	}
	k, spec, err := o.find(ctx, server, ref, progress)
	if err != nil {
		return err
	}
	if o.dryRun {
		return o.foresee(k, spec, ref, validTo, now, progress)
	}
	material, err := o.source.material(spec, progress)
	if err != nil {
		return err
	}
	defer clear(material)
	p, created, err := o.parameters(ctx, server, k, ref, progress)
	if err != nil {
		return err
	}
	w, err := p.Wrap(material)
	if err != nil {
		return err
	}
	progress.step("Wrapped", "%d bytes that only the server can open; the material leaves this machine in this form only", len(w.Material))
	r := result{KeyId: w.KeyARN, Created: created, Proofs: []string{}}
	return o.finish(ctx, server, proof{w, spec, material}, validTo, now, r, progress)
}

// find returns the key, or nil if it is to be created, and its spec.
func (o *importOptions) find(ctx context.Context, server *connection, ref string, progress printer) (*types.KeyMetadata, string, error) {
	k, err := awsimport.Find(ctx, server, ref)
	if o.create && awsimport.IsNotFound(err) {
		n, err := o.newKey(ref)
		if err == nil {
			err = awsimport.CheckNewAlias(ref)
		}
		return nil, string(n.Spec), err
	}
	if err != nil {
		return nil, "", err
	}
	progress.step("Key", "%s, %s, %s", aws.ToString(k.Arn), k.KeySpec, k.KeyState)
	return k, string(k.KeySpec), nil
}

// parameters gets the import parameters of the key. If k is nil, it creates the key first.
func (o *importOptions) parameters(ctx context.Context, server *connection, k *types.KeyMetadata, ref string, progress printer) (p *byok.Parameters, created bool, err error) {
	if k == nil {
		n, err := o.newKey(ref)
		if err != nil {
			return nil, false, err
		}
		if k, err = awsimport.Create(ctx, server, n); err != nil {
			if k != nil {
				err = fmt.Errorf("the key %s was made, but not its alias: %w", aws.ToString(k.KeyId), err)
			}
			return nil, false, err
		}
		created = true
		progress.step("Created", "%s, %s, and %s for it", aws.ToString(k.Arn), k.KeySpec, ref)
	}
	progress.step("Waiting", "for a wrapping key of the spec %s; the server may need some seconds to make one", o.wrappingKey)
	p, err = awsimport.GetParameters(ctx, server, k, awsimport.Wrapping{
		Algorithm: byok.Algorithm(o.algorithm), KeySpec: types.WrappingKeySpec(o.wrappingKey),
	})
	if err != nil {
		return nil, created, err
	}
	progress.step("Parameters", "a wrapping key of the spec %s for %s, good until %s", o.wrappingKey, p.Algorithm, moment(p.ValidTo))
	progress.fingerprint(byok.Fingerprint(p.PublicKey))
	return p, created, nil
}

// foresee says what an import would do, having looked and changed nothing.
func (o *importOptions) foresee(k *types.KeyMetadata, spec, ref string, validTo, now time.Time, progress printer) error {
	r := result{KeyId: ref, DryRun: true, Created: k == nil, Proofs: []string{}}
	if k != nil {
		r.KeyId = aws.ToString(k.Arn)
	} else {
		progress.step("Key", "%s does not exist: it would be created, %s", ref, spec)
	}
	if err := o.source.fits(spec); err != nil {
		return err
	}
	if o.source.from == "" {
		progress.step("Material", "would be made and kept in %s", o.source.generate)
	} else {
		material, err := o.source.material(spec, progress)
		if err != nil {
			return err
		}
		defer clear(material)
		if k != nil {
			if r.KeyMaterialId, err = byok.KeyMaterialID(aws.ToString(k.KeyId), material); err != nil {
				return err
			}
		}
	}
	if o.newMaterial {
		progress.step("New", "the material would be added to the key, and wait for a rotation unless it is the first%s", map[bool]string{true: "; --rotate would make it current"}[o.rotate])
	}
	progress.step("Dry run", "nothing was changed; the material would be imported %s", until(validTo, now))
	r.expires(validTo)
	return o.output.print(pagef("%s\n", r.KeyId), r)
}

func until(validTo, now time.Time) string {
	if validTo.IsZero() {
		return "without expiry"
	}
	return fmt.Sprintf("until %s, %s from now", moment(validTo), left(validTo, now))
}

// isCode reports whether an error is an API error with one of the codes.
func isCode(err error, codes ...string) bool {
	e, ok := errors.AsType[smithy.APIError](err)
	for _, code := range codes {
		if ok && e.ErrorCode() == code {
			return true
		}
	}
	return false
}
