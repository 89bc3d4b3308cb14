package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/keyhold/keyhold/byok/awsimport"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/nodes"
	"github.com/keyhold/keyhold/internal/store"
)

// report prints an error for people, with its cause and remedy if the table of remedies has them, and
// returns the exit code.
func report(w io.Writer, err error) int {
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	all := unjoin(err) // each on a line of its own
	f := factsOf(all[0])
	printf(w, "keyhold: %s\n", f.what)
	e, known := explain(f.code, f.message)
	if known {
		printf(w, "  why      %s\n  do       %s\n", e.why, e.do)
	}
	if f.requestID != "" {
		printf(w, "  request  %s\n", f.requestID)
	}
	for _, other := range all[1:] {
		printf(w, "keyhold: %s\n", factsOf(other).what)
	}
	_, usage := errors.AsType[usageError](all[0])
	switch {
	case usage:
		return exitUsage
	case isNoNode(err):
		return exitNoNode
	case known:
		return e.exit
	}
	return exitFailed
}

// isNoNode reports whether a server ended because it cannot be the node of its data folder as long as the folder, the
// program, the store and the other nodes stay as they are.
func isNoNode(err error) bool {
	isCause := func(cause error) bool { return errors.Is(err, cause) }
	return slices.ContainsFunc([]error{nodes.ErrRunning, nodes.ErrStranger, nodes.ErrRewound, nodes.ErrNewerLevel,
		journal.ErrOlderStore, store.ErrRewound}, isCause)
}

// unjoin returns the errors that errors.Join joined, or the error itself.
func unjoin(err error) (all []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) == 0 || errors.Join(joined.Unwrap()...).Error() != err.Error() {
		return []error{err}
	}
	for _, err := range joined.Unwrap() {
		all = append(all, unjoin(err)...)
	}
	return all
}

// An exitCode is an error that ends the program with this code. Nothing is printed.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// facts are the parts of an error.
type facts struct {
	what          string // the whole text, on one line
	code, message string // the API's name or the code of the refusal, and the message
	requestID     string
}

// factsOf returns the parts of an error. Text that was added in front of the error of the SDK, or of a
// refusal, stays in front.
func factsOf(err error) facts {
	f := facts{what: err.Error()}
	say := func(inner error, text string) { f.what = strings.TrimSuffix(f.what, inner.Error()) + text }
	if r, ok := errors.AsType[*refusal](err); ok {
		f.code, f.message = r.code, r.message
	} else if r, ok := errors.AsType[*awsimport.Refusal](err); ok {
		f.code, f.message = string(r.Code), r.Message
		say(r, r.Message)
	} else if r, ok := errors.AsType[*devRefusal](err); ok {
		f.code, f.message, f.requestID = r.code, r.message, r.requestID
	} else if o, ok := errors.AsType[*smithy.OperationError](err); ok {
		f.code, f.message = codeOf(o)
		say(o, o.OperationName+": "+strings.TrimSuffix(f.code+": "+f.message, ": "))
	}
	f.what = strings.Replace(f.what, "byok: ", "", 1) // the name of the package helps no user
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		f.requestID = r.ServiceRequestID()
	}
	return f
}

// codeOf returns the name of an error of the SDK, and its message.
func codeOf(err *smithy.OperationError) (code, message string) {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode(), e.ErrorMessage()
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return "Interrupted", "the call ended before the server answered"
	}
	if e, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return "Unreachable", sendError(e.Err).Error()
	}
	if _, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return "UnknownError", "the answer does not belong to the KMS API"
	}
	return "", err.Err.Error()
}

// errEnded is the error for a connection that the server closed.
var errEnded = errors.New("the server ended the connection without an answer")

// sendError removes the method and the path from the error of a request. A client may notice in a read
// or in a write that the server closed the connection, so several errors become errEnded.
func sendError(err error) error {
	for _, closed := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed} {
		if errors.Is(err, closed) {
			return errEnded
		}
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// A remedy is a row of the table of remedies.
type remedy struct {
	code, part string // the code, and a part of the message
	exit       int
	why, do    string
}

// explain returns the first row for an error.
func explain(code, message string) (remedy, bool) {
	for line := range strings.Lines(remedies) {
		if e, ok := parseRemedy(line); ok && e.code == code && strings.Contains(message, e.part) {
			return e, true
		}
	}
	return remedy{}, false
}

func parseRemedy(line string) (remedy, bool) {
	f := strings.Split(line, "|")
	if len(f) != 5 {
		return remedy{}, false
	}
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	exit, err := strconv.Atoi(f[2])
	return remedy{f[0], f[1], exit, f[3], f[4]}, err == nil
}

// isCode reports whether an error is an API error with one of the codes.
func isCode(err error, codes ...string) bool {
	e, ok := errors.AsType[smithy.APIError](err)
	for _, code := range codes {
		if ok && e.ErrorCode() == code {
			return true
		}
	}
	return false
}
