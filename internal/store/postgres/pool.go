package postgres

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	connecting  = 2 * time.Second  // until a host has accepted a connection and its user
	idle        = 5 * time.Minute  // until an unused connection is closed
	oldest      = 30 * time.Minute // until a connection is closed, so that pools follow a moved primary
	application = "keyhold"
)

// hosts are the servers of a deployment. All connections go to the current one, which is left for the next one when it
// does not prove to be the primary.
type hosts struct {
	all []string
	tls *tls.Config

	mu      sync.Mutex
	current int
	left    time.Time // of the last change
}

// order returns the hosts, beginning with the current one.
func (h *hosts) order() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.current % len(h.all)
	return append(append([]string{}, h.all[n:]...), h.all[:n]...)
}

// number returns the number of the current host, which grows with each leave.
func (h *hosts) number() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.current
}

// leave makes the next host the current one, unless that was done a moment ago. It reports whether it did so.
func (h *hosts) leave() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.left) < leavePause {
		return false
	}
	h.current, h.left = h.current+1, time.Now()
	return true
}

// leavePause is the least time between two changes of the current host.
const leavePause = 500 * time.Millisecond

// aim makes a new connection try the hosts in their order.
func (h *hosts) aim(_ context.Context, c *pgx.ConnConfig) error {
	c.Fallbacks = nil
	for i, endpoint := range h.order() {
		host, text, err := net.SplitHostPort(endpoint)
		if err != nil {
			return err
		}
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return err
		}
		f := &pgconn.FallbackConfig{Host: host, Port: uint16(port), TLSConfig: h.tlsFor(host)}
		if i == 0 {
			c.Host, c.Port, c.TLSConfig = f.Host, f.Port, f.TLSConfig
		} else {
			c.Fallbacks = append(c.Fallbacks, f)
		}
	}
	return nil
}

func (h *hosts) tlsFor(host string) *tls.Config {
	if h.tls == nil || strings.HasPrefix(host, "/") {
		return nil
	}
	own := h.tls.Clone()
	own.ServerName = host
	return own
}

// newPool returns the hosts of a Config, and a pool of connections to their primary. It connects to nothing.
func newPool(c Config) (*hosts, *pgxpool.Pool, error) {
	tls, err := c.TLSConfig()
	if err != nil {
		return nil, nil, err
	}
	password, err := c.Password()
	if err != nil {
		return nil, nil, err
	}
	h := &hosts{all: c.Hosts, tls: tls}
	p, err := pgxpool.ParseConfig("host=unset sslmode=disable passfile=/dev/null servicefile=/dev/null")
	if err != nil {
		return nil, nil, fmt.Errorf("the environment has a setting of PostgreSQL that is invalid: %w", err)
	}
	p.BeforeConnect = h.aim
	p.MaxConns, p.MinConns = int32(cmp.Or(c.Connections, DefaultConnections)), 0
	p.MaxConnIdleTime, p.MaxConnLifetime, p.MaxConnLifetimeJitter = idle, oldest, oldest/10
	own := p.ConnConfig
	own.Database, own.User, own.Password = c.Database, c.User, password
	own.RuntimeParams = map[string]string{"application_name": application}
	own.ConnectTimeout = connecting
	own.DefaultQueryExecMode = pgx.QueryExecModeExec // without named statements, for poolers in transaction mode
	own.StatementCacheCapacity, own.DescriptionCacheCapacity = 0, 0
	own.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	own.KerberosSrvName, own.KerberosSpn = "", ""
	own.OnNotice = noteWarning
	own.OnNotification = dropNotification
	pool, err := pgxpool.NewWithConfig(context.Background(), p)
	return h, pool, err
}

// dropNotification drops a notification. A pooler passes those on that a connection has asked for that it had lent to a
// listener before; pgx would keep them.
func dropNotification(*pgconn.PgConn, *pgconn.Notification) {}

// warned is the name of a mark at a connection: the server has sent a warning.
const warned = "warned"

// noteWarning marks a connection with a warning. A server that was told not to wait for its standby warns of that, and
// answers as if the commit were as durable as others.
func noteWarning(c *pgconn.PgConn, n *pgconn.Notice) {
	if n.SeverityUnlocalized == "WARNING" {
		c.CustomData()[warned] = true
	}
}
