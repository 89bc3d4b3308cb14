package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/etcd"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// An authority issues certificates for servers and clients.
type authority struct {
	t      *testing.T
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	folder string
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, folder: t.TempDir()}
	a.key = a.newKey()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true,
		BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err == nil {
		a.cert, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return key
}

func (a *authority) path(name string) string { return filepath.Join(a.folder, name) }

func (a *authority) write(name, kind string, der []byte) {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(a.path(name), text, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// issue writes NAME.pem and NAME.key.
func (a *authority) issue(name string) {
	key := a.newKey()
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".pem", "CERTIFICATE", der)
	a.write(name+".key", "PRIVATE KEY", private)
}

// tryOpen parses a URL and opens its Backend, with a short time-out.
func tryOpen(t *testing.T, url string) (*etcd.Backend, error) {
	t.Helper()
	c, err := etcd.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	b, err := etcd.Open(ctx, c)
	if err == nil {
		t.Cleanup(func() { b.Close() })
	}
	return b, err
}

func TestTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	for _, name := range []string{"server", "client"} {
		a.issue(name)
	}
	servers := newServers(t, 1, "--unsafe-no-fsync", "--cert-file", a.path("server.pem"), "--key-file", a.path("server.key"),
		"--trusted-ca-file", a.path("ca.pem"), "--client-cert-auth")
	servers[0].scheme = "https"
	servers[0].start(t)
	url := etcd.Scheme + servers[0].client + "/p"
	full := url + "?ca=" + a.path("ca.pem") + "&cert=" + a.path("client.pem") + "&key=" + a.path("client.key")

	var b *etcd.Backend
	waitFor(t, "a connection by TLS", func() (opened bool) {
		var err error
		b, err = tryOpen(t, full)
		return err == nil
	})
	put(t, b, "a", "1")
	if !has(t, b, "a") {
		t.Error("a record is missing")
	}
	other := newAuthority(t)
	other.issue("client")
	for name, bad := range map[string]string{
		"no client certificate":      url + "?ca=" + a.path("ca.pem"),
		"of another authority":       url + "?ca=" + a.path("ca.pem") + "&cert=" + other.path("client.pem") + "&key=" + other.path("client.key"),
		"another authority":          url + "?ca=" + other.path("ca.pem"),
		"the system's authorities":   url + "?tls=on",
		"no TLS":                     url,
		"no files of certificates":   url + "?ca=" + a.path("none.pem"),
		"a file without certificate": url + "?ca=" + a.path("client.key"),
		"a key of another":           url + "?cert=" + a.path("client.pem") + "&key=" + a.path("server.key"),
	} {
		_, err := tryOpen(t, bad+tail(bad)+"timeout=1s")
		if err == nil {
			t.Errorf("%s: opened", name)
		}
		t.Logf("%s: %v", name, err)
	}
	if err := os.Chmod(a.path("client.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := tryOpen(t, full); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("with a private key that others may read: %v", err)
	}
}

// tail is what begins another parameter.
func tail(url string) string {
	if strings.Contains(url, "?") {
		return "&"
	}
	return "?"
}

// A user has a role for one prefix. Tokens expire after a second without use.
func TestPassword(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 1, "--unsafe-no-fsync", "--auth-token-ttl", "1", "--bcrypt-cost", "4")
	client := admin(t, servers)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(client.UserAdd(t.Context(), "root", "r"))
	must(client.UserGrantRole(t.Context(), "root", "root"))
	must(client.UserAdd(t.Context(), "keyhold", "hunter2"))
	must(client.RoleAdd(t.Context(), "keyhold"))
	must(client.RoleGrantPermission(t.Context(), "keyhold", "ours/", clientv3.GetPrefixRangeEnd("ours/"),
		clientv3.PermissionType(clientv3.PermReadWrite)))
	must(client.UserGrantRole(t.Context(), "keyhold", "keyhold"))
	must(client.AuthEnable(t.Context()))

	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := etcd.Scheme + servers[0].client
	for name, bad := range map[string]string{
		"no user":                     url + "/ours",
		"a wrong password":            url + "/ours?user=keyhold&passwordEnv=WRONG_PASSWORD",
		"an unset variable":           url + "/ours?user=keyhold&passwordEnv=NO_PASSWORD",
		"an unknown user":             url + "/ours?user=nobody&passwordFile=" + file,
		"the prefix of somebody else": url + "/theirs?user=keyhold&passwordFile=" + file,
	} {
		_, err := tryOpen(t, bad)
		if err == nil || errors.Is(err, store.ErrUnknown) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: %v", name, err)
	}
	for _, good := range []string{"/ours?user=keyhold&passwordFile=" + file, "/ours?user=keyhold&passwordEnv=STORE_PASSWORD"} {
		b, err := tryOpen(t, url+good)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second) // until the token has expired
		put(t, b, "a", "1")
	}
	c, err := etcd.ParseURL(url + "/ours?user=keyhold&passwordFile=" + file)
	if err != nil {
		t.Fatal(err)
	}
	log := make(lines, 1000)
	c.Keep, c.Log = keep, slog.New(slog.NewTextHandler(log, nil))
	b := open(t, c)
	rev := put(t, b, "a", "2")
	waitFor(t, "a line of the log that names the remedy", func() bool {
		put(t, b, "a", "3")
		return len(log) > 0 && strings.Contains(<-log, "compaction=off")
	})
	root, err := clientv3.New(clientv3.Config{Endpoints: addresses(servers), Username: "root", Password: "r", Logger: zap.NewNop()})
	must(root, err)
	defer root.Close()
	must(root.UserGrantRole(t.Context(), "keyhold", "root")) // compaction is a right of this role
	waitFor(t, "compaction by a user with the role root", func() bool {
		put(t, b, "a", "3")
		return errors.Is(b.Watch(t.Context(), rev-1, func(store.Change) error { return errEnough }), store.ErrCompacted)
	})
	storetest.Test(t, func(t *testing.T) store.Backend {
		c := c
		c.Prefix = "ours/" + config(t, servers).Prefix
		return open(t, c)
	})
}

// lines receive the lines of a log.
type lines chan string

func (l lines) Write(line []byte) (int, error) {
	select {
	case l <- string(line):
	default:
	}
	return len(line), nil
}

var errEnough = errors.New("enough")
