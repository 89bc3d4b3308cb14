package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
)

// A devServer is a server, most often a dev server, to be asked for what is no part
// of the KMS API.
type devServer struct {
	endpoint    string
	region      string
	credentials aws.CredentialsProvider
}

func (d *devServer) flags(c *cobra.Command) {
	endpoint := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_KMS"), os.Getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:4599")
	region := cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1")
	d.credentials = aws.CredentialsProviderFunc(devCredentials)
	c.PersistentFlags().StringVar(&d.endpoint, "endpoint-url", endpoint, "address of the server")
	c.PersistentFlags().StringVar(&d.region, "region", region, "Region to sign for")
}

// call signs and sends one request; target is the API that the operation is of. A nil
// out is for an operation that answers nothing.
func (d devServer) call(ctx context.Context, target, operation string, in, out any) error {
	body, err := api.Encode(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return usageError{fmt.Errorf("--endpoint-url: %w", err)}
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target+"."+operation)
	credentials, err := d.credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(hash[:]), "kms", d.region, time.Now())
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("reach the server at %s: %w", d.endpoint, &refusal{"Unreachable", sendError(err).Error()})
	}
	defer answer.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(answer.Body, 1<<20)); err != nil {
		return fmt.Errorf("read the answer of %s: %w", d.endpoint, err)
	}
	if answer.StatusCode != http.StatusOK {
		return newDevRefusal(d.endpoint, target, answer, body)
	}
	if out == nil {
		return nil
	}
	return api.Decode(body, out)
}

// A devRefusal is an error that a server, or something that is none, answered to
// what is no part of the KMS API.
type devRefusal struct{ code, message, requestID string }

func newDevRefusal(endpoint, target string, answer *http.Response, body []byte) *devRefusal {
	var e struct {
		Message string `json:"message"`
	}
	_ = api.Decode(body, &e) // an answer of something else has no message
	r := &devRefusal{cmp.Or(answer.Header.Get("X-Amzn-Errortype"), "UnknownError"), "", answer.Header.Get("X-Amzn-Requestid")}
	r.message = fmt.Sprintf("%s answered %s: %s", endpoint, r.code, cmp.Or(e.Message, answer.Status))
	switch {
	case r.code == "UnknownOperationException" && target == api.TargetDev:
		r.code, r.message = "NoDevServer", endpoint+" is no dev server: only one has a clock to move and signatures to explain"
	case r.code == "UnknownOperationException":
		r.code, r.message = "NoKeyhold", endpoint+" does not know this request: it is no Keyhold server, or an older one"
	}
	return r
}

// general reports whether the refusal is not about what was asked for.
func (r *devRefusal) general() bool {
	switch r.code {
	case "NoKeyhold", "AccessDeniedException", "UnknownError", "KMSInternalException":
		return true
	}
	return strings.Contains(r.code, "Signature") || strings.Contains(r.code, "Token") || strings.Contains(r.code, "Client")
}

func (r *devRefusal) Error() string { return r.message }

// devCredentials are those of the environment, as the AWS CLI takes them, or else
// those that every dev server has.
func devCredentials(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID:     cmp.Or(os.Getenv("AWS_ACCESS_KEY_ID"), devAccessKey),
		SecretAccessKey: cmp.Or(os.Getenv("AWS_SECRET_ACCESS_KEY"), devSecret),
	}
	if os.Getenv("AWS_ACCESS_KEY_ID") != "" {
		c.SessionToken = os.Getenv("AWS_SESSION_TOKEN")
	}
	return c, nil
}
