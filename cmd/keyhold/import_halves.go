package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/byok/awsimport"
)

// writeParameters is the first half: it writes what keyhold wrap needs.
func (o *importOptions) writeParameters(ctx context.Context, ref string, progress printer) error {
	if err := checkNew(o.parametersOut); err != nil {
		return err
	}
	server, err := o.client.connect(ctx, progress)
	if err != nil {
		return err
	}
	k, _, err := o.find(ctx, server, ref, progress)
	if err != nil {
		return err
	}
	p, created, err := o.parameters(ctx, server, k, ref, progress)
	if err != nil {
		return err
	}
	if err := writeNew(o.parametersOut, p.Encode()); err != nil {
		return err
	}
	progress.step("Written", "%s: carry it to where the material is, and compare the fingerprint there", o.parametersOut)
	progress.more("keyhold wrap --params %s --from FILE --out wrapped.json", o.parametersOut)
	return o.output.print(pagef("%s\n", p.KeyARN), struct {
		KeyId                string
		Created              bool
		PublicKeyFingerprint string
		ParametersValidTo    string
	}{p.KeyARN, created, byok.Fingerprint(p.PublicKey), moment(p.ValidTo)})
}

// importWrapped is the second half: it imports what keyhold wrap wrote.
func (o *importOptions) importWrapped(ctx context.Context, progress printer) error {
	file, err := readSmall(o.wrapped)
	if err != nil {
		return err
	}
	w, err := byok.ParseWrapped(file)
	if err != nil {
		return err
	}
	server, err := o.client.connect(ctx, progress)
	if err != nil {
		return err
	}
	if region := strings.Split(w.KeyARN, ":")[3]; region != server.region {
		return &refusal{"OtherRegion", fmt.Sprintf("the file is for %s: the Region is %s, not %s", w.KeyARN, region, server.region)}
	}
	now := server.now(ctx)
	validTo, err := o.expiry.validTo(now)
	if err != nil {
		return err
	}
	progress.step("Wrapped", "%d bytes in %s, under the wrapping key of this fingerprint, good until %s:", len(w.Material), o.wrapped, moment(w.ValidTo))
	progress.fingerprint(w.Fingerprint)
	k, err := awsimport.Find(ctx, server, w.KeyARN)
	if err != nil {
		return err
	}
	return o.finish(ctx, server, proof{w, string(k.KeySpec), nil}, validTo, now, result{KeyId: w.KeyARN, Proofs: []string{}}, progress)
}

// maxSmallFile is more than parameters or wrapped material take.
const maxSmallFile = 64 << 10

// readSmall reads a file, or standard input if it is called -.
func readSmall(path string) ([]byte, error) {
	f := os.Stdin
	if path != "-" {
		var err error
		if f, err = os.Open(path); err != nil {
			return nil, err
		}
		defer f.Close()
	}
	content, err := io.ReadAll(io.LimitReader(f, maxSmallFile+1))
	if err == nil && len(content) > maxSmallFile {
		err = fmt.Errorf("%s has more than %d bytes", path, maxSmallFile)
	}
	return content, err
}

// checkNew tells early that a file cannot be made because it is there.
func checkNew(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s exists already and is not overwritten: name another file, or remove this file", path)
	}
	return nil
}

// writeNew makes a file that was not there before.
func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
