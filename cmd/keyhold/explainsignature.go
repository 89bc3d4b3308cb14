package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
)

// signatureOptions are the flags of keyhold explain-signature.
type signatureOptions struct {
	request, client string
	output          output
}

func explainSignatureCommand() *cobra.Command {
	var client clientOptions
	var o signatureOptions
	c := &cobra.Command{
		Use:   "explain-signature",
		Short: "Show why a dev server refused the signature of a request",
		Long: `Show why a dev server refused the signature of a request: the last refused request, or
the request with the ID that its response named. The command shows the canonical
request and the string to sign that the server computed.

With --client it also shows what the client signed, and the first difference. FILE, or
- for standard input, is the client's own log of its signing:
  AWS CLI     aws --debug kms list-keys 2> client.log
  Python      boto3.set_stream_logger("botocore.auth")
  Go SDK      aws.Config.ClientLogMode = aws.LogSigning
  Java SDK    log level DEBUG for software.amazon.awssdk.auth.signer
These logs never contain the secret access key, but they may contain a session token.
The server and this command do not show session tokens.

The command signs its own request, so it needs the right credentials of the dev server:
set them for this command alone if the environment has other credentials.`,
		Example: "  aws --debug kms list-keys 2>&1 |\n" +
			"    AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test keyhold explain-signature --client -",
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.output.check(c); err != nil {
				return err
			}
			return explainSignature(c.Context(), client, o, c.InOrStdin(), printer{c.ErrOrStderr()})
		},
	}
	client.ownFlags(c)
	c.Flags().StringVar(&o.request, "request", "", "ID of the refused request (default: the newest)")
	c.Flags().StringVar(&o.client, "client", "", "file with the client's log of its signing; - is standard input")
	o.output.flag(c)
	return c
}

func explainSignature(
	ctx context.Context, client clientOptions, o signatureOptions, stdin io.Reader, progress printer,
) error {
	log, err := o.readClient(stdin) // all of it first, because the client writes its log until it has sent its request
	if err != nil {
		return err
	}
	at, err := client.connect(ctx, progress)
	if err != nil {
		return err
	}
	in := &api.ExplainSignatureRequest{}
	if o.request != "" {
		in.RequestId = &o.request
	}
	var refused api.ExplainSignatureResponse
	if err := at.call(ctx, api.TargetDev, "ExplainSignature", in, &refused); err != nil {
		return err
	}
	if !isComplete(refused) {
		return at.mismatchError()
	}
	e := signatureReport{ExplainSignatureResponse: refused}
	if o.client != "" {
		client, ok := findSigned(log, *refused.Date)
		if !ok {
			return fmt.Errorf(
				"%s contains no canonical request: log the client's signing as keyhold explain-signature --help describes, "+
					"and run the client again", o.client)
		}
		e.compare(client)
	}
	return o.output.print(e.text(), e.data())
}

// isComplete reports whether an answer has all members that the report shows.
func isComplete(e api.ExplainSignatureResponse) bool {
	return e.RefusedAt != nil && !slices.Contains([]*string{
		e.RequestId, e.ErrorCode, e.ErrorMessage, e.Target, e.AccessKeyId, e.CredentialScope, e.Date,
		e.DeclaredPayloadHash, e.PayloadHash, e.CanonicalRequest, e.StringToSign,
	}, nil)
}

// maxClientLog bounds the part of a client's log that is read, in bytes.
const maxClientLog = 64 << 20

func (o signatureOptions) readClient(stdin io.Reader) (string, error) {
	from := stdin
	switch o.client {
	case "":
		return "", nil
	case "-":
	default:
		f, err := os.Open(o.client)
		if err != nil {
			return "", fmt.Errorf("--client: %w", err)
		}
		defer f.Close()
		from = f
	}
	log, err := io.ReadAll(io.LimitReader(from, maxClientLog))
	if err != nil {
		return "", fmt.Errorf("--client: %w", err)
	}
	return string(log), nil
}
