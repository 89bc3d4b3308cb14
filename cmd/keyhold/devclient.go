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
// of the KMS API. The credentials come from the environment, as those of the AWS CLI do.
type devServer struct {
	endpoint string
	region   string
}

func (d *devServer) flags(c *cobra.Command) {
	endpoint := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_KMS"), os.Getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:4599")
	region := cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1")
	c.PersistentFlags().StringVar(&d.endpoint, "endpoint-url", endpoint, "address of the server")
	c.PersistentFlags().StringVar(&d.region, "region", region, "Region to sign for")
}

// call signs and sends one request; target is the API that the operation is of.
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
	hash := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, devCredentials(), r, hex.EncodeToString(hash[:]), "kms", d.region, time.Now())
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("reach the server at %s: %w (is it running? name another with --endpoint-url)", d.endpoint, err)
	}
	defer answer.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(answer.Body, 1<<20)); err != nil {
		return fmt.Errorf("read the answer of %s: %w", d.endpoint, err)
	}
	if answer.StatusCode != http.StatusOK {
		return d.refusal(target, answer, body)
	}
	return api.Decode(body, out)
}

// refusal tells why a server refused, and what may help.
func (d devServer) refusal(target string, answer *http.Response, body []byte) error {
	var e struct {
		Message string `json:"message"`
	}
	_ = api.Decode(body, &e) // an answer of something else has no message
	name, id := answer.Header.Get("X-Amzn-Errortype"), answer.Header.Get("X-Amzn-Requestid")
	switch {
	case name == "UnknownOperationException" && target == api.TargetDev:
		return fmt.Errorf("%s is no dev server: only one has a clock to move and signatures to explain (request %s)", d.endpoint, id)
	case name == "UnknownOperationException":
		return fmt.Errorf("%s does not know this request: it is no Keyhold server, or an older one (request %s)", d.endpoint, id)
	case strings.Contains(e.Message, "valid region"):
		return fmt.Errorf("%s does not serve the Region %s: %s (name one of its banner with --region; request %s)", d.endpoint, d.region, e.Message, id)
	case name == "UnrecognizedClientException" || name == "InvalidSignatureException":
		return fmt.Errorf("%s refused the credentials: %s (set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to those of its banner; request %s)", d.endpoint, e.Message, id)
	}
	return fmt.Errorf("%s answered %s %s: %s (request %s)", d.endpoint, answer.Status, name, e.Message, id)
}

func devCredentials() aws.Credentials {
	return aws.Credentials{
		AccessKeyID:     cmp.Or(os.Getenv("AWS_ACCESS_KEY_ID"), devAccessKey),
		SecretAccessKey: cmp.Or(os.Getenv("AWS_SECRET_ACCESS_KEY"), devSecret),
	}
}
