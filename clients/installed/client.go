package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A client is a program whose scripts are in clients/installed/FOLDER.
type client struct {
	folder   string
	name     string
	material material
	context  string // what the user sees after a wrong encryption context; empty if the client sends none

	installed   string // the folder in which the commands run
	version     string
	environment []string // the variables that name the server
}

// clients are the eight clients, in the order of the table in clients/README.md. The AWS Encryption
// SDK for Python keeps the text of an error of KMS, and not its name.
var clients = []client{
	{folder: "sops", name: "SOPS", material: symmetric, context: wrongContext},
	{folder: "encryption-sdk-python", name: "AWS Encryption SDK for Python", material: symmetric,
		context: "ComAmazonawsKms('')"},
	{folder: "encryption-sdk-javascript", name: "AWS Encryption SDK for JavaScript", material: symmetric,
		context: wrongContext},
	{folder: "s3-java", name: "S3 Encryption Client for Java", material: symmetric, context: wrongContext},
	{folder: "tink", name: "Tink for Go", material: symmetric, context: wrongContext},
	{folder: "mongodb", name: "pymongocrypt", material: symmetric},
	{folder: "ethereum", name: "ethers-aws-kms-signer", material: wallet},
	{folder: "rust", name: "AWS SDK for Rust", material: symmetric, context: wrongContext},
}

// The limits are generous: a machine may be busy, and Rust compiles for minutes.
const (
	installLimit = 30 * time.Minute
	callLimit    = 3 * time.Minute
)

func (c client) title() string {
	return strings.TrimSpace(c.name + " " + c.version)
}

// results lists what a client that passed has shown.
func (c client) results() string {
	if c.context == "" {
		return "round trip; refusals: disabled key, expired material; opens after the same import"
	}
	return "round trip; refusals: other context, disabled key, expired material; opens after the same import"
}

// install copies the sources of the client into the folder, runs its install script there, and reads
// its version.
func (c *client) install(ctx context.Context, folder string) error {
	if err := copySources(filepath.Join("clients/installed", c.folder), folder); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, installLimit)
	defer cancel()
	install := exec.CommandContext(ctx, "./install")
	install.Dir = folder
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	c.installed = folder
	out, err := c.call(ctx, nil, "version")
	c.version = strings.TrimSpace(string(out))
	return err
}

// copySources copies the files of a client into its folder. Files of an earlier installation stay.
func copySources(from, to string) error {
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, relative), 0o755)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, relative), text, info.Mode())
	})
}

// call runs a command of the client and returns its standard output. If the command fails, the error
// is a refusal with all output that the user sees.
func (c client) call(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	command := exec.CommandContext(ctx, "./client", args...)
	command.Dir = c.installed
	command.Env = c.environment
	command.Stdin = bytes.NewReader(stdin)
	var out, shown bytes.Buffer
	command.Stdout, command.Stderr = &out, &shown
	err := command.Run()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("client %s: no answer in %v\n%s", args[0], callLimit, &shown)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, refusal{out.String() + shown.String()}
	}
	return out.Bytes(), err
}
