package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/keyhold/keyhold/internal/api"
)

// maxAttempts bounds the attempts of a request, whatever the configuration of the SDK says.
const maxAttempts = 10

// call sends a request that is not part of the KMS API. The target is the API of the operation. out is nil for an
// operation without an answer. After ThrottlingException, which says that nothing was done, call sends the request
// again, as often and as late as the SDK would. It repeats after no other error, because the server may have made the
// change.
func (c *connection) call(ctx context.Context, target, operation string, in, out any) error {
	again := c.Options().Retryer
	for attempt := 1; ; attempt++ {
		err := c.callOnce(ctx, target, operation, in, out)
		refused, ok := errors.AsType[*devRefusal](err)
		if !ok || refused.code != "ThrottlingException" || attempt == maxAttempts || attempt == again.MaxAttempts() {
			return err
		}
		pause, failed := again.RetryDelay(attempt, err)
		if failed != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// callOnce signs and sends one request.
func (c *connection) callOnce(ctx context.Context, target, operation string, in, out any) error {
	body, err := api.Encode(in)
	if err != nil {
		return err
	}
	r, err := c.sign(ctx, target+"."+operation, body)
	if err != nil {
		return err
	}
	answer, err := c.Options().HTTPClient.Do(r)
	switch {
	case ctx.Err() != nil:
		return &refusal{"Interrupted", "the call ended before the server answered"}
	case err != nil:
		return fmt.Errorf("reach the server at %s: %w", c.endpoint, &refusal{"Unreachable", sendError(err).Error()})
	}
	defer answer.Body.Close()
	if body, err = io.ReadAll(answer.Body); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.endpoint, err)
	}
	if answer.StatusCode != http.StatusOK {
		return newDevRefusal(c.endpoint, target, answer, body)
	}
	if out != nil && api.DecodeResponse(body, out) != nil {
		return c.mismatchError()
	}
	return nil
}

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 1 << 20

func (c *connection) sign(ctx context.Context, target string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return nil, usageError{fmt.Errorf("the endpoint: %w", err)}
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	as, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return nil, noCredentials(err)
	}
	hash := sha256.Sum256(body)
	return r, v4.NewSigner().SignHTTP(ctx, as, r, hex.EncodeToString(hash[:]), "kms", c.region, time.Now())
}

// follows reports whether next can be the marker of the next page. A server that repeats a marker would otherwise be
// asked without end.
func follows(given, next *string) bool { return next != nil && (given == nil || *given != *next) }

// mismatchError returns the error for an answer that lacks required members.
func (c *connection) mismatchError() error {
	return &refusal{"UnknownError", fmt.Sprintf("the answer of %s does not match the request", c.endpoint)}
}

// A devRefusal is the error that an endpoint, not necessarily a Keyhold server, returned for
// a request outside the KMS API.
type devRefusal struct{ code, message, requestID string }

func newDevRefusal(endpoint, target string, answer *http.Response, body []byte) *devRefusal {
	var e struct {
		Message string `json:"message"`
	}
	_ = api.DecodeResponse(body, &e) // an answer of another server may have no message
	r := &devRefusal{
		code:      cmp.Or(answer.Header.Get("X-Amzn-Errortype"), "UnknownError"),
		requestID: answer.Header.Get("X-Amzn-Requestid"),
	}
	r.message = fmt.Sprintf("%s answered %s: %s", endpoint, r.code, cmp.Or(e.Message, answer.Status))
	switch {
	case r.code == "UnknownOperationException" && target == api.TargetDev:
		r.code = "NoDevServer"
		r.message = endpoint + " is not a dev server: only a dev server can move its clock and explain signatures"
	case r.code == "UnknownOperationException":
		r.code = "NoKeyhold"
		r.message = endpoint + " does not know this request: it is not a Keyhold server, or an older version"
	}
	return r
}

// general reports whether the refusal does not depend on the parameters of the request.
func (r *devRefusal) general() bool {
	switch r.code {
	case "NoKeyhold", "AccessDeniedException", "UnknownError", "KMSInternalException":
		return true
	}
	return strings.Contains(r.code, "Signature") || strings.Contains(r.code, "Token") || strings.Contains(r.code, "Client")
}

func (r *devRefusal) Error() string { return r.message }
