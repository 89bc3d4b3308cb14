package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
)

// Times of a connection.
const (
	connecting = time.Second      // until a connection is made, and its user has a token
	keepAlive  = 10 * time.Second // until a silent connection is tested; gRPC allows no less
)

// members are the members of a cluster, each with a connection of its own. All requests go to the current
// member, and a member that does not answer a read is left for the next one. So a commit goes to a member that
// answered a moment ago, and not to each in turn, also to a stopped one.
type members struct {
	all     []*member
	current atomic.Uint64 // number of the current member, modulo len(all)
}

// A member is connected on its first use, because the client of etcd asks for a token when it connects.
type member struct {
	config clientv3.Config

	mu     sync.Mutex
	client *clientv3.Client
	kv     clientv3.KV
	closed bool
}

func newMembers(c Config) (*members, error) {
	tls, err := c.TLSConfig()
	if err != nil {
		return nil, err
	}
	password, err := c.Password()
	if err != nil {
		return nil, err
	}
	m := &members{}
	for _, endpoint := range c.Endpoints {
		m.all = append(m.all, &member{config: clientConfig(endpoint, tls, c.User, password)})
	}
	return m, nil
}

func clientConfig(endpoint string, tls *tls.Config, user, password string) clientv3.Config {
	scheme := "http://"
	if tls != nil {
		scheme = "https://"
	}
	return clientv3.Config{
		Endpoints: []string{scheme + endpoint}, TLS: tls, Username: user, Password: password,
		DialTimeout: connecting, DialKeepAliveTime: keepAlive, DialKeepAliveTimeout: 3 * time.Second,
		MaxUnaryRetries: 1, // one attempt: by default the client repeats commits in some cases
		Logger:          zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithStatsHandler(sentHandler{}),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32))},
	}
}

// now returns the current member and its number.
func (m *members) now() (*member, uint64) {
	n := m.current.Load()
	return m.all[n%uint64(len(m.all))], n
}

// leave makes the next member the current one, unless another request has done so.
func (m *members) leave(n uint64) { m.current.CompareAndSwap(n, n+1) }

func (m *members) close() error {
	var errs []error
	for _, member := range m.all {
		errs = append(errs, member.close())
	}
	return errors.Join(errs...)
}

// connect returns the client of the member. The KV sends each request once, and fails at once if the member is
// known to be unreachable.
func (m *member) connect() (*clientv3.Client, clientv3.KV, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, nil, context.Canceled
	}
	if m.client == nil {
		client, err := clientv3.New(m.config)
		if err != nil {
			return nil, nil, err
		}
		m.client = client
		m.kv = clientv3.NewKVFromKVClient(pb.NewKVClient(client.ActiveConnection()), nil)
	}
	return m.client, m.kv, nil
}

func (m *member) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	if m.client == nil {
		return nil
	}
	if err := m.client.Close(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
