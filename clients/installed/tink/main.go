// Command tink runs Tink for Go with a keyset that is encrypted under a KMS key.
//
// usage: client version | seal KEY FOLDER ROOM < PLAINTEXT | open KEY FOLDER ROOM > PLAINTEXT
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 1 && args[0] == "version" {
		return version()
	}
	if len(args) != 4 {
		return errors.New("usage: client version | seal KEY FOLDER ROOM | open KEY FOLDER ROOM")
	}
	// Tink sends the associated data of a keyset as the encryption context "associatedData", in hexadecimal.
	folder, room := args[2], []byte(args[3])
	kms, err := awskms.NewAEADWithContext(ctx, args[1])
	if err != nil {
		return err
	}
	if args[0] == "seal" {
		return seal(ctx, kms, folder, room)
	}
	return open(ctx, kms, folder, room)
}

func seal(ctx context.Context, kms tink.AEADWithContext, folder string, room []byte) error {
	plaintext, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return err
	}
	var sealed bytes.Buffer
	if err := handle.WriteWithContext(ctx, keyset.NewBinaryWriter(&sealed), kms, room); err != nil {
		return err
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return err
	}
	ciphertext, err := primitive.Encrypt(plaintext, room)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(folder, "keyset"), sealed.Bytes(), 0o600),
		os.WriteFile(filepath.Join(folder, "ciphertext"), ciphertext, 0o600))
}

func open(ctx context.Context, kms tink.AEADWithContext, folder string, room []byte) error {
	file, err := os.Open(filepath.Join(folder, "keyset"))
	if err != nil {
		return err
	}
	defer file.Close()
	handle, err := keyset.ReadWithContext(ctx, keyset.NewBinaryReader(file), kms, room)
	if err != nil {
		return err
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return err
	}
	ciphertext, err := os.ReadFile(filepath.Join(folder, "ciphertext"))
	if err != nil {
		return err
	}
	plaintext, err := primitive.Decrypt(ciphertext, room)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(plaintext)
	return err
}

func version() error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("the program has no build information")
	}
	versions := map[string]string{}
	for _, module := range info.Deps {
		versions[module.Path] = strings.TrimPrefix(module.Version, "v")
	}
	tink, kms := versions["github.com/tink-crypto/tink-go/v2"], versions["github.com/tink-crypto/tink-go-awskms/v3"]
	_, err := fmt.Printf("%s with tink-go-awskms %s\n", tink, kms)
	return err
}
