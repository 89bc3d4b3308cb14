package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/keyhold/keyhold/internal/api"
)

// stream sends a request that is not part of the KMS API, and whose answer takes long. The caller closes the answer.
func (c *connection) stream(ctx context.Context, target, operation string, in any) (io.ReadCloser, error) {
	body, err := api.Encode(in)
	if err != nil {
		return nil, err
	}
	r, err := c.sign(ctx, target+"."+operation, body)
	if err != nil {
		return nil, err
	}
	client := c.http
	if b, ok := client.(*awshttp.BuildableClient); ok {
		client = b.WithTimeout(0) // callTime includes the body
	}
	answer, err := client.Do(r)
	switch {
	case ctx.Err() != nil:
		return nil, &refusal{"Interrupted", "the call ended before the server answered"}
	case err != nil:
		return nil, fmt.Errorf("reach the server at %s: %w", c.endpoint, &refusal{"Unreachable", sendError(err).Error()})
	case answer.StatusCode == http.StatusOK:
		return answer.Body, nil
	}
	defer answer.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer)); err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", c.endpoint, err)
	}
	return nil, newDevRefusal(c.endpoint, target, answer, body)
}
