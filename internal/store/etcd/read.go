package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Times of a read.
const (
	firstTry = 300 * time.Millisecond // patience with the first member; it doubles with each further one
	pause    = 20 * time.Millisecond  // before a repetition, so that refused connections do not spin
)

// read sends a request that only reads, to one member after the other until one answers.
func (b *Backend) read(ctx context.Context, op clientv3.Op) (clientv3.OpResponse, error) {
	bounded, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	var cause error
	for patience := firstTry; ; patience *= 2 {
		member, n := b.members.now()
		got, err := tryRead(bounded, patience, member, op)
		if err == nil {
			return got, b.isOurs(headerOf(got))
		}
		if isFinal(err) {
			return got, fmt.Errorf("etcd: %w", err)
		}
		if cause == nil || codeOf(err) != codes.DeadlineExceeded && !errors.Is(err, context.DeadlineExceeded) {
			cause = err // silence explains less than an earlier error
		}
		b.members.leave(n)
		select {
		case <-time.After(pause):
		case <-bounded.Done():
			if ctx.Err() != nil {
				return got, ctx.Err()
			}
			return got, fmt.Errorf("etcd does not answer: %v", cause) // not an error of ctx
		}
	}
}

func tryRead(ctx context.Context, patience time.Duration, m *member, op clientv3.Op) (clientv3.OpResponse, error) {
	_, kv, err := m.connect()
	if err != nil {
		return clientv3.OpResponse{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return kv.Do(ctx, op)
}

// isFinal reports whether another member would give the same error.
func isFinal(err error) bool {
	if isTokenError(err) { // the client has got a new token
		return false
	}
	switch codeOf(err) {
	case codes.InvalidArgument, codes.PermissionDenied, codes.FailedPrecondition, codes.OutOfRange, codes.Unimplemented,
		codes.DataLoss:
		return true
	}
	return false
}

// isTokenError reports whether a member knows the token of this process no longer. Such a request was not
// carried out.
func isTokenError(err error) bool {
	return errors.Is(err, rpctypes.ErrInvalidAuthToken) || errors.Is(err, rpctypes.ErrUserEmpty) ||
		errors.Is(err, rpctypes.ErrAuthOldRevision)
}

func codeOf(err error) codes.Code {
	var e rpctypes.EtcdError
	if errors.As(err, &e) {
		return e.Code()
	}
	return status.Code(err)
}

// headerOf returns the header of a response to a Get or a transaction.
func headerOf(r clientv3.OpResponse) *pb.ResponseHeader {
	if r.Get() != nil {
		return r.Get().Header
	}
	return r.Txn().Header
}
