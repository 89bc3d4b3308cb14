package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/byok/awsimport"
	"github.com/keyhold/keyhold/internal/key"
)

// An importRun is one run of keyhold import. Each step sets what the steps after it need.
type importRun struct {
	importOptions
	ref      string // the name of the key, in any form that the API takes
	progress printer
	server   *connection

	key     *types.KeyMetadata // nil until --create has made the key
	newKey  awsimport.NewKey   // the key that --create makes
	created bool               // the key was created, or would be
	spec    string             // of the key

	material   []byte // nil if this machine has only its wrapped form
	wrapped    *byok.Wrapped
	algorithm  byok.Algorithm         // that wrapped it, unless another machine did
	materialID string                 // as the server returned it
	state      types.KeyMaterialState // of the imported material
	idle       string                 // why the server does not encrypt with the material now, "" if it does
	proofs     []string               // the names of the proofs that held
}

// An importPart is the part of an import that one command does.
type importPart string

const (
	whole      importPart = "whole"
	firstHalf  importPart = "first"  // up to the parameters for keyhold wrap
	secondHalf importPart = "second" // from the file that keyhold wrap wrote
)

func (o *importOptions) part() importPart {
	switch {
	case o.parametersFile != "":
		return firstHalf
	case o.wrappedFile != "":
		return secondHalf
	}
	return whole
}

// An importStep is one step of an importRun.
type importStep func(context.Context) error

// steps returns the steps of each part of an import. A step that can fail because of the
// material or the flags precedes all steps that change something.
func (r *importRun) steps() []importStep {
	switch {
	case r.part() == firstHalf:
		return []importStep{r.checkFile, r.connect, r.find, r.writeParameters}
	case r.part() == secondHalf:
		return []importStep{r.readWrapped, r.checkOwners, r.connect, r.checkWrapped, r.setExpiry, r.find,
			r.keepOriginal, r.send, r.activate, r.prove, r.writeManifest, r.print}
	case r.dryRun:
		return []importStep{r.readMaterial, r.checkOwners, r.connect, r.setExpiry, r.find, r.preview, r.print}
	}
	return []importStep{r.readMaterial, r.checkOwners, r.connect, r.setExpiry, r.find, r.wrap,
		r.keepOriginal, r.send, r.activate, r.prove, r.writeManifest, r.print}
}

func (r *importRun) run(ctx context.Context) error {
	if err := harden(); err != nil {
		return err
	}
	defer r.clear()
	name := cmp.Or(r.ref, r.wrappedFile)
	for _, step := range r.steps() {
		err := step(ctx)
		if _, usage := errors.AsType[usageError](err); usage {
			return err
		}
		if err != nil {
			return fmt.Errorf("import %s: %w", name, err)
		}
	}
	return nil
}

// clear erases the material.
func (r *importRun) clear() {
	r.source.clear()
	clear(r.material)
}

func (r *importRun) readMaterial(context.Context) error { return r.source.read() }

func (r *importRun) connect(ctx context.Context) (err error) {
	r.server, err = r.client.connect(ctx, r.progress)
	return err
}

func (r *importRun) setExpiry(ctx context.Context) error { return r.expiry.set(r.server.now(ctx)) }

// find finds the key. If its alias does not exist, find chooses the key that --create makes.
func (r *importRun) find(ctx context.Context) (err error) {
	r.key, err = awsimport.Find(ctx, r.server, r.ref)
	switch {
	case r.create && awsimport.IsNotFound(err):
		return errors.Join(r.chooseNewKey(), r.checkApproved())
	case err != nil:
		return err
	}
	r.spec = string(r.key.KeySpec)
	if err := r.checkApproved(); err != nil {
		return err
	}
	if r.part() != secondHalf {
		r.progress.step("Key", "%s, %s, %s", aws.ToString(r.key.Arn), r.key.KeySpec, r.key.KeyState)
	}
	return nil
}

// checkApproved refuses algorithms that are not approved if --fips is given, before anything is made or sent.
func (r *importRun) checkApproved() error {
	algorithm := byok.Algorithm(r.wrappingAlgorithm)
	if algorithm == "" && r.part() != secondHalf {
		algorithm, _ = byok.AlgorithmFor(r.spec) // without one, the wrapping fails later
	}
	return r.source.fips.checkMaterial(r.spec, algorithm)
}

// chooseNewKey chooses spec and usage of the key to create. If the spec allows several
// usages, the owner must choose one.
func (r *importRun) chooseNewKey() error {
	r.spec, r.created = cmp.Or(r.keySpec, r.source.spec()), true
	var usages []string
	for _, suite := range key.Suites(key.Spec(r.spec)) {
		usages = append(usages, string(suite.Usage))
	}
	usage := r.keyUsage
	switch {
	case usage == "" && len(usages) == 1:
		usage = usages[0]
	case !slices.Contains(usages, usage):
		return usageError{fmt.Errorf("a key of the spec %s can be used for %s: choose with --key-usage",
			r.spec, strings.Join(usages, " or for "))}
	}
	r.newKey = awsimport.NewKey{Alias: r.ref, Spec: types.KeySpec(r.spec), Usage: types.KeyUsageType(usage)}
	return awsimport.CheckNewAlias(r.ref)
}

// createKey creates the key that chooseNewKey chose, and its alias.
func (r *importRun) createKey(ctx context.Context) (err error) {
	r.key, err = awsimport.Create(ctx, r.server, r.newKey)
	switch {
	case err != nil && r.key != nil:
		return fmt.Errorf("the key %s was made, but not its alias: %w", aws.ToString(r.key.KeyId), err)
	case err != nil:
		return err
	}
	r.progress.step("Created", "%s, %s, and %s for it", aws.ToString(r.key.Arn), r.key.KeySpec, r.ref)
	return nil
}

// wrap wraps the material for the key, which it creates first if the key does not exist.
func (r *importRun) wrap(ctx context.Context) (err error) {
	if r.material, err = r.source.material(r.spec, r.progress); err != nil {
		return err
	}
	p, err := r.parameters(ctx)
	if err != nil {
		return err
	}
	if r.wrapped, err = p.Wrap(r.material); err != nil {
		return err
	}
	r.algorithm = p.Algorithm
	r.progress.step("Wrapped", "%d bytes that only the server can open; "+
		"the material leaves this machine in this form only", len(r.wrapped.Material))
	return nil
}

// parameters gets the parameters for wrapping. If the key does not exist, parameters creates
// the key first.
func (r *importRun) parameters(ctx context.Context) (*byok.Parameters, error) {
	if r.key == nil {
		if err := r.createKey(ctx); err != nil {
			return nil, err
		}
	}
	r.progress.step("Waiting", "for a wrapping key of the spec %s; the server may need some seconds to make one",
		r.wrappingSpec)
	p, err := awsimport.GetParameters(ctx, r.server, r.key, awsimport.Wrapping{
		Algorithm: byok.Algorithm(r.wrappingAlgorithm), KeySpec: types.WrappingKeySpec(r.wrappingSpec),
	})
	if err != nil {
		return nil, err
	}
	r.progress.step("Parameters", "a wrapping key of the spec %s for %s, good until %s",
		r.wrappingSpec, p.Algorithm, formatTime(p.ValidTo))
	r.progress.fingerprint(byok.Fingerprint(p.PublicKey))
	return p, nil
}

func (r *importRun) send(ctx context.Context) (err error) {
	send := awsimport.Import
	if r.newMaterial {
		send = awsimport.ImportNew
	}
	if r.materialID, err = send(ctx, r.server, r.wrapped, r.expiry.validTo); err != nil {
		return err
	}
	r.progress.step("Imported", "%s", r.expiry.text())
	return nil
}

// importResult is what an import prints as JSON, with the names of the API.
type importResult struct {
	KeyId           string
	KeyMaterialId   string `json:",omitempty"`
	ExpirationModel types.ExpirationModelType
	ValidTo         string   `json:",omitempty"`
	Created         bool     // the key was made, or would be
	DryRun          bool     // nothing was changed
	Proofs          []string // the names of the proofs that held

	// The state, unless it is CURRENT and --new-material was not given.
	KeyMaterialState types.KeyMaterialState `json:",omitempty"`
}

func (r *importRun) print(context.Context) error {
	result := importResult{
		KeyId: r.keyARN(), KeyMaterialId: r.materialID, ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
		Created: r.created, DryRun: r.dryRun, Proofs: append([]string{}, r.proofs...),
	}
	if !r.expiry.never {
		result.ExpirationModel = types.ExpirationModelTypeKeyMaterialExpires
		result.ValidTo = formatTime(r.expiry.validTo)
	}
	if r.newMaterial || r.state != types.KeyMaterialStateCurrent {
		result.KeyMaterialState = r.state
	}
	return r.output.print(pagef("%s\n", result.KeyId), result)
}

// keyARN returns the ARN of the key, or the alias of a key that a dry run would create.
func (r *importRun) keyARN() string {
	switch {
	case r.wrapped != nil:
		return r.wrapped.KeyARN
	case r.key != nil:
		return aws.ToString(r.key.Arn)
	}
	return r.ref
}
