package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

const region = "us-east-1"

// client returns a client of the official SDK that uses up to conns connections and does not retry.
func (s *server) client(as aws.Credentials, conns int) *kms.Client {
	return kms.New(kms.Options{
		BaseEndpoint:     aws.String(s.url()),
		Region:           region,
		HTTPClient:       s.l.http(conns),
		RetryMaxAttempts: 1,
		Credentials:      aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return as, nil }),
	})
}

// apply declares identities as the root, in the TOML format of keyhold apply. It returns the output of the
// program, which contains the secrets of new access keys.
func (s *server) apply(ctx context.Context, identities string) ([]byte, error) {
	file := s.l.file("identities.toml")
	if err := os.WriteFile(file, []byte(identities), 0o600); err != nil {
		return nil, err
	}
	out, err := s.command(ctx, "apply", "-f", file).Output()
	if failed, ok := err.(*exec.ExitError); ok {
		return nil, fmt.Errorf("keyhold apply: %w: %s", err, failed.Stderr)
	}
	return out, err
}

// command returns a client command of the program, run by the root of the account.
func (s *server) command(ctx context.Context, words ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, s.l.program, words...)
	c.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s.url(), "AWS_REGION="+region, "AWS_CA_BUNDLE="+s.l.file("cert.pem"),
		"SSL_CERT_FILE="+s.l.file("cert.pem"), "AWS_ACCESS_KEY_ID="+s.root.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY="+s.root.SecretAccessKey)
	return c
}

// mayAll is an identity-based policy that allows all KMS operations.
const mayAll = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}`

// user declares a user with an access key and an inline policy, and returns the credentials. It does not change
// earlier users.
func (s *server) user(ctx context.Context, name, policy string) (aws.Credentials, error) {
	out, err := s.apply(ctx, fmt.Sprintf("[[user]]\nname = %q\naccess_keys = 1\n[[user.policy]]\nname = "+
		"\"p\"\ndocument = '''%s'''\n", name, policy))
	if err != nil {
		return aws.Credentials{}, err
	}
	return credentialsIn(out)
}
