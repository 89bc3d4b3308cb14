package etcd

import (
	"context"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

// A sent records whether any byte of a request was passed to a connection. A request that was not sent was
// certainly not applied.
type sent struct{ atomic.Bool }

type sentKey struct{}

func (s *sent) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, sentKey{}, s)
}

// sentHandler notes the header of each request, which gRPC sends before the request itself.
type sentHandler struct{}

var _ stats.Handler = sentHandler{}

func (sentHandler) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if _, ok := event.(*stats.OutHeader); ok {
		if s, ok := ctx.Value(sentKey{}).(*sent); ok {
			s.Store(true)
		}
	}
}

func (sentHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (sentHandler) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (sentHandler) HandleConn(context.Context, stats.ConnStats)                       {}
