package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/internal/guarded"
)

// wrapOptions are the flags of keyhold wrap.
type wrapOptions struct {
	source                   source
	params, out, fingerprint string
	algorithm, keySpec       string // of an answer of GetParametersForImport, which names neither
	owners                   ownersFlags
}

func wrapCommand() *cobra.Command {
	var o wrapOptions
	c := &cobra.Command{
		Use:   "wrap --params FILE --from FILE --out FILE",
		Short: "Wrap key material on a machine with no network",
		Long: `Wrap key material for the key that a file of parameters names. This is the middle step of
an import in two halves, and needs no network. Before it, keyhold import --parameters-out
writes the parameters. After it, keyhold import --wrapped imports the new file.

Compare the fingerprint with the one that keyhold import showed: anybody who replaced
the public key in the file could read the material.

--params also accepts the JSON that aws kms get-parameters-for-import prints. This JSON
names neither the wrapping algorithm nor the spec of the key: give --wrapping-algorithm
with the same value as there, and --key-spec for an HMAC key.

--escrow-to splits the original among custodians, and --from-shares brings it back
(docs/recovery.md). --manifest compares the material with the manifest of an earlier
import.`,
		Example: `  keyhold wrap --params params.json --from payments.key --out wrapped.json
  keyhold wrap --params aws.json --wrapping-algorithm RSAES_OAEP_SHA_256 --from payments.key --out wrapped.json`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if o.params == "" || o.out == "" {
				return usageError{fmt.Errorf("%s needs --params FILE and --out FILE", c.CommandPath())}
			}
			if err := errors.Join(o.source.check(), o.source.fips.checkModule()); err != nil {
				return err
			}
			o.source.shares.fips = o.source.fips
			return o.run(printer{c.ErrOrStderr()})
		},
	}
	o.flags(c)
	return c
}

func (o *wrapOptions) flags(c *cobra.Command) {
	o.source.flags(c)
	o.owners.escrow.flags(c, "escrow-to", "the original of the material")
	c.Flags().StringVar(&o.owners.manifest, "manifest", "",
		"refuse other material than this manifest of an earlier import describes")
	c.Flags().StringVar(&o.params, "params", "",
		"file of parameters from keyhold import --parameters-out, or from aws kms get-parameters-for-import")
	c.Flags().StringVar(&o.out, "out", "", "new file for the wrapped material")
	c.Flags().StringVar(&o.fingerprint, "fingerprint", "",
		"fingerprint that the parameters must have, instead of a comparison by eye")
	c.Flags().StringVar(&o.algorithm, "wrapping-algorithm", "",
		"wrapping algorithm that was given to aws kms get-parameters-for-import")
	c.Flags().StringVar(&o.keySpec, "key-spec", "", "spec of the key, if the parameters do not name it "+
		"(default: the spec of the private key, or SYMMETRIC_DEFAULT)")
	completeWords(c, "key-spec", importableSpecs()...)
	completeWords(c, "wrapping-algorithm", wrappingAlgorithms()...)
}

func (o *wrapOptions) run(progress printer) error {
	if err := errors.Join(harden(), checkNewFile(o.out)); err != nil {
		return err
	}
	p, err := o.parameters()
	if err != nil {
		return err
	}
	if err := o.source.read(); err != nil {
		return err
	}
	defer o.source.clear()
	if err := o.owners.check(true); err != nil {
		return err
	}
	if err := o.complete(p); err != nil {
		return err
	}
	approved := o.source.fips
	err = errors.Join(approved.checkRecipients(o.owners.escrow.found), approved.checkMaterial(p.KeySpec, p.Algorithm))
	if err != nil {
		return err
	}
	progress.step("Key", "%s, %s", p.KeyARN, p.KeySpec)
	progress.step("Parameters", "for %s, good until %s", p.Algorithm, formatTime(p.ValidTo))
	progress.fingerprint(byok.Fingerprint(p.PublicKey))
	return o.wrap(p, progress)
}

// wrap wraps the material, and writes the file for keyhold import.
func (o *wrapOptions) wrap(p *byok.Parameters, progress printer) error {
	material, err := o.source.material(p.KeySpec, progress)
	if err != nil {
		return err
	}
	defer clear(material)
	w, err := p.Wrap(material)
	if err != nil {
		return err
	}
	if err := o.owners.agree(w, progress); err != nil {
		return err
	}
	if err := o.owners.split(w, p.KeySpec, material, time.Now(), progress); err != nil {
		return err
	}
	if err := writeNewFile(o.out, w.Encode()); err != nil {
		return err
	}
	progress.step("Material ID", "%s: the server must show the same ID after the import", w.KeyMaterialID)
	progress.step("Written", "%s, which contains no secret: carry it to a machine with a network", o.out)
	progress.more("keyhold import --wrapped %s --region %s --expires 90d (or --no-expiry)",
		guarded.Shell(o.out), strings.Split(p.KeyARN, ":")[3])
	return nil
}

// parameters reads the parameters, and checks their fingerprint if --fingerprint is given.
func (o *wrapOptions) parameters() (*byok.Parameters, error) {
	file, err := readSmallFile(o.params)
	if err != nil {
		return nil, err
	}
	p, err := byok.ParseParameters(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.params, err)
	}
	digits := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }
	if got := byok.Fingerprint(p.PublicKey); o.fingerprint != "" && digits(got) != digits(o.fingerprint) {
		return nil, fmt.Errorf("%s has the fingerprint %s, not %s: "+
			"somebody may have changed the public key; nothing was wrapped", o.params, got, o.fingerprint)
	}
	return p, nil
}

// complete sets the algorithm and the key spec, which an answer of GetParametersForImport does
// not name. Flags must not contradict a file that names both.
func (o *wrapOptions) complete(p *byok.Parameters) error {
	if p.Algorithm == "" && o.algorithm == "" {
		return usageError{fmt.Errorf("%s is an answer of GetParametersForImport, "+
			"which does not name the wrapping algorithm: "+
			"give the algorithm of the request with --wrapping-algorithm", o.params)}
	}
	p.Algorithm = cmp.Or(p.Algorithm, byok.Algorithm(o.algorithm))
	p.KeySpec = cmp.Or(p.KeySpec, o.keySpec, o.source.spec())
	if o.algorithm != "" && o.algorithm != string(p.Algorithm) || o.keySpec != "" && o.keySpec != p.KeySpec {
		return usageError{fmt.Errorf("%s is for %s and a key of the spec %s: "+
			"leave out --wrapping-algorithm and --key-spec", o.params, p.Algorithm, p.KeySpec)}
	}
	return nil
}
