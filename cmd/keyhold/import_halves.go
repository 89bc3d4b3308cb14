package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/internal/guarded"
)

// checkFile refuses to overwrite a file before anything is sent.
func (r *importRun) checkFile(context.Context) error { return checkNewFile(r.parametersFile) }

// writeParameters ends the first half: it writes the file that keyhold wrap needs.
func (r *importRun) writeParameters(ctx context.Context) error {
	p, err := r.parameters(ctx)
	if err != nil {
		return err
	}
	if err := writeNewFile(r.parametersFile, p.Encode()); err != nil {
		return err
	}
	r.progress.step("Written", "%s: carry it to where the material is, and compare the fingerprint there",
		r.parametersFile)
	r.progress.more("keyhold wrap --params %s --from FILE --out wrapped.json", guarded.Shell(r.parametersFile))
	return r.output.print(pagef("%s\n", p.KeyARN), struct {
		KeyId                string
		Created              bool
		PublicKeyFingerprint string
		ParametersValidTo    string
	}{p.KeyARN, r.created, byok.Fingerprint(p.PublicKey), formatTime(p.ValidTo)})
}

// readWrapped begins the second half: it reads the file that keyhold wrap wrote.
func (r *importRun) readWrapped(context.Context) error {
	file, err := readSmallFile(r.wrappedFile)
	if err != nil {
		return err
	}
	if r.wrapped, err = byok.ParseWrapped(file); err != nil {
		return err
	}
	r.ref = r.wrapped.KeyARN
	return nil
}

// checkWrapped checks that the file is for the Region of the connection.
func (r *importRun) checkWrapped(context.Context) error {
	if region := strings.Split(r.ref, ":")[3]; region != r.server.region {
		return &refusal{"OtherRegion",
			fmt.Sprintf("the file is for %s: the Region is %s, not %s", r.ref, region, r.server.region)}
	}
	r.progress.step("Wrapped", "%d bytes in %s, under the wrapping key of this fingerprint, good until %s:",
		len(r.wrapped.Material), r.wrappedFile, formatTime(r.wrapped.ValidTo))
	r.progress.fingerprint(r.wrapped.Fingerprint)
	return nil
}

// maxSmallFile is more than a file of parameters or of wrapped material has, in bytes.
const maxSmallFile = 64 << 10

// readSmallFile reads a file, or standard input if the path is "-".
func readSmallFile(path string) ([]byte, error) {
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

// checkNewFile returns an error if writeNewFile would find a file at the path.
func checkNewFile(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s exists already and is not overwritten: name another file, or remove this file", path)
	}
	return nil
}

// writeNewFile writes a file that did not exist before.
func writeNewFile(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
