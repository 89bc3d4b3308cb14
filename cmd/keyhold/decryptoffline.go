package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/byok"
)

// decryptOptions are the flags of keyhold decrypt-offline.
type decryptOptions struct {
	material string
	pairs    []string
	output   output
}

func decryptOfflineCommand() *cobra.Command {
	var o decryptOptions
	c := &cobra.Command{
		Use:   "decrypt-offline --material FILE < CIPHERTEXT",
		Short: "Decrypt a ciphertext with your key material, without a server",
		Long: `Decrypt a ciphertext of a symmetric key with the key material that you imported, without
a server or a network. The ciphertext is read from standard input, raw or in base64 as
the AWS CLI prints it. The plaintext is written to standard output.`,
		Example: `  keyhold decrypt-offline --material payments.key < ciphertext.bin > plaintext
  aws kms encrypt --key-id alias/payments --plaintext fileb://plaintext \
    --encryption-context room=archive --query CiphertextBlob --output text |
    keyhold decrypt-offline --material payments.key --context room=archive`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if o.material == "" {
				return usageError{fmt.Errorf("%s needs --material FILE", c.CommandPath())}
			}
			if err := o.output.check(c); err != nil {
				return err
			}
			return o.run(c.InOrStdin(), printer{c.ErrOrStderr()})
		},
	}
	c.Flags().StringVar(&o.material, "material", "",
		"file of the key material: 32 raw bytes, in hexadecimal or base64, or a JWK")
	c.Flags().StringArrayVar(&o.pairs, "context", nil,
		"a pair KEY=VALUE of the encryption context; give it once for each pair")
	o.output.flag(c)
	return c
}

func (o *decryptOptions) run(in io.Reader, progress printer) error {
	context, err := parseContext(o.pairs)
	if err != nil {
		return err
	}
	if o.material == "-" {
		return usageError{errors.New("--material - is not possible: the ciphertext is read from standard input")}
	}
	if err := harden(); err != nil {
		return err
	}
	file, err := openMaterialFile(o.material, refuseEncrypted)
	if err != nil {
		return err
	}
	defer file.clear()
	material, err := file.material(symmetricSpec, progress)
	if err != nil {
		return err
	}
	defer clear(material)
	blob, err := readCiphertext(in, progress)
	if err != nil {
		return err
	}
	h, err := byok.ParseCiphertext(blob)
	if err != nil {
		return err
	}
	progress.step("Key", "%s of account %s, key material %s", h.KeyID, h.Account, h.KeyMaterialID)
	plaintext, err := byok.Decrypt(material, blob, context)
	if err != nil {
		return err
	}
	if o.output.form == formText {
		return writeData(o.output.w, plaintext)
	}
	return o.output.print(nil, struct {
		KeyId, KeyMaterialId string
		Plaintext            []byte // base64
	}{h.KeyID, h.KeyMaterialID, plaintext})
}

// refuseEncrypted refuses an encrypted private key without asking for its passphrase.
func refuseEncrypted() ([]byte, error) {
	return nil, errors.New(
		"the file contains an encrypted private key, but a ciphertext of a symmetric key needs 32 bytes")
}

func parseContext(pairs []string) (map[string]string, error) {
	context := map[string]string{}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if _, twice := context[name]; !ok || twice {
			return nil, usageError{fmt.Errorf("--context %q is not KEY=VALUE, or repeats a key", pair)}
		}
		context[name] = value
	}
	return context, nil
}

// maxCiphertext is more than the size of the largest ciphertext, in base64.
const maxCiphertext = 16 << 10

// readCiphertext reads a blob, raw or in base64, and reports the encoding that it found.
func readCiphertext(in io.Reader, progress printer) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(in, maxCiphertext+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the ciphertext: %w", err)
	case len(content) == 0:
		return nil, errors.New("standard input is empty: run keyhold decrypt-offline --material FILE < CIPHERTEXT")
	case len(content) > maxCiphertext:
		return nil, fmt.Errorf("the input has more than %d bytes: it is not a ciphertext", maxCiphertext)
	}
	// A blob begins with its version, which is not a character of base64.
	text := bytes.Trim(bytes.TrimSpace(byok.Text(content)), `"`)
	if blob, err := base64.StdEncoding.DecodeString(string(text)); err == nil {
		progress.step("Ciphertext", "%d bytes, decoded from base64", len(blob))
		return blob, nil
	}
	progress.step("Ciphertext", "%d raw bytes", len(content))
	return content, nil
}
