package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// TestRollingUpgrade replaces the program of three nodes behind a balancer, one node at a time, while clients of the
// official SDK use the deployment: no request fails after the standard retries of the SDK. The second program writes
// members of records that the first one does not know, as soon as all nodes run it, and the first one cannot join any
// more. KEYHOLD_OLDER names a program that the nodes run before the present one.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	d := newDeployment(t, startCluster(t, 1))
	programs := []string{d.program, buildProgram(t, "-tags", "nextlevel")}
	if older := os.Getenv("KEYHOLD_OLDER"); older != "" {
		programs = append([]string{older}, programs...)
	}
	d.program = programs[0]
	d.init()
	b := newBalancer(t)
	folders := []string{"one", "two", "three"}
	var nodes []*node
	for _, folder := range folders {
		n := d.serve(folder)
		b.set(folder, n.Endpoint)
		nodes = append(nodes, n)
	}
	load := startLoad(t, d, b)
	defer load.stop()
	load.await(200)
	for p, program := range programs[1:] {
		for i, folder := range folders {
			if folder != "three" { // this node stops without notice: the balancer and the clients see closed connections
				d.drain(folder)
				b.await(folder, false)
			}
			nodes[i].end(syscall.SIGTERM)
			if strings.Contains(nodes[i].log.String(), "level=ERROR") {
				t.Errorf("%s", nodes[i].log)
			}
			d.program = program
			nodes[i] = d.serve(folder)
			b.set(folder, nodes[i].Endpoint)
			load.await(50)
			if i < 2 { // the program of the other nodes reads what this one writes
				d.program = programs[p]
				d.must("serving", "node", "list", "--store", d.url, "--root-key-file", "root.key")
			}
		}
	}
	d.program = programs[len(programs)-2]
	d.awaitRefusal("node", "list", "--store", d.url, "--root-key-file", "root.key") // by the members of the new level
	load.await(200)
	load.stop()
	nodes[0].end(syscall.SIGTERM)
	d.refusesToRestart("a newer version of the program", "serve", "--store", d.url, "--root-key-file", "root.key", "--data", "one",
		"--addr", "127.0.0.1:0")
	t.Logf("%d requests, %d retries", load.done.Load(), b.retried.Load())
}

// awaitRefusal runs keyhold until it fails.
func (d *deployment) awaitRefusal(words ...string) {
	d.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		if _, err := d.run(words...); err != nil {
			return
		}
		if time.Now().After(deadline) {
			d.Fatalf("keyhold %s does not fail", strings.Join(words, " "))
		}
	}
}

// drain marks the node of a folder as draining.
func (d *deployment) drain(folder string) {
	d.Helper()
	id, err := os.ReadFile(filepath.Join(d.dir, folder, "node-id"))
	if err != nil {
		d.Fatal(err)
	}
	d.must("", "node", "drain", strings.TrimSpace(string(id)), "--store", d.url, "--root-key-file", "root.key")
}

// A rollingBalancer passes each request on to the next node that is ready. It asks the nodes every 100 ms. If a node
// does not accept a connection, it takes the next one. It repeats nothing else.
type rollingBalancer struct {
	*testing.T
	url     string
	retried atomic.Int64 // responses that the SDK repeats

	mu    sync.Mutex
	nodes map[string]string // endpoints by folder
	ready []string          // endpoints
	next  int
}

func newBalancer(t *testing.T) *rollingBalancer {
	b := &rollingBalancer{T: t, nodes: map[string]string{}}
	proxy := &httputil.ReverseProxy{Transport: b, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme = "http"
		r.Out.Host = r.In.Host // the signature covers it
	}, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
		b.retried.Add(1)
		w.WriteHeader(http.StatusBadGateway)
	}, ModifyResponse: func(r *http.Response) error {
		if r.StatusCode >= http.StatusInternalServerError {
			b.retried.Add(1)
		}
		return nil
	}}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	b.url = s.URL
	go b.ask()
	return b
}

// RoundTrip implements [http.RoundTripper].
func (b *rollingBalancer) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	var err error
	for range 3 {
		r.URL.Host = b.choose()
		r.Body = http.NoBody
		if len(body) > 0 {
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		var out *http.Response
		out, err = http.DefaultTransport.RoundTrip(r)
		if opened, ok := errors.AsType[*net.OpError](err); err == nil || !ok || opened.Op != "dial" {
			return out, err
		}
	}
	return nil, err
}

// choose returns the next node that is ready.
func (b *rollingBalancer) choose() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ready) == 0 {
		return "127.0.0.1:1"
	}
	b.next++
	return strings.TrimPrefix(b.ready[b.next%len(b.ready)], "http://")
}

// set sets the endpoint of the node of a folder, and waits until the node is ready.
func (b *rollingBalancer) set(folder, endpoint string) {
	b.Helper()
	b.mu.Lock()
	b.nodes[folder] = endpoint
	b.mu.Unlock()
	b.await(folder, true)
}

// await waits until the node of a folder is ready, or is not ready.
func (b *rollingBalancer) await(folder string, ready bool) {
	b.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		b.mu.Lock()
		is := slices.Contains(b.ready, b.nodes[folder])
		b.mu.Unlock()
		if is == ready {
			return
		}
		if time.Now().After(deadline) {
			b.Fatalf("the node of %s is not ready: %v", folder, !ready)
		}
	}
}

// ask asks the nodes whether they are ready.
func (b *rollingBalancer) ask() {
	client := http.Client{Timeout: 5 * time.Second}
	for b.Context().Err() == nil {
		b.mu.Lock()
		nodes := maps.Clone(b.nodes)
		b.mu.Unlock()
		var ready []string
		for _, endpoint := range nodes {
			if a, err := client.Get(endpoint + "/health/ready"); err == nil {
				a.Body.Close()
				if a.StatusCode == http.StatusOK {
					ready = append(ready, endpoint)
				}
			}
		}
		b.mu.Lock()
		b.ready = ready
		b.mu.Unlock()
		time.Sleep(100 * time.Millisecond)
	}
}

// A load is clients that use the deployment until it is stopped. Each has a key of its own.
type load struct {
	*testing.T
	client *kms.Client
	done   atomic.Int64
	ended  atomic.Bool
	all    sync.WaitGroup
}

func startLoad(t *testing.T, d *deployment, b *rollingBalancer) *load {
	l := &load{T: t}
	env := map[string]string{}
	for _, e := range d.env {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	l.client = kms.New(kms.Options{
		BaseEndpoint: aws.String(b.url), Region: "us-east-1", HTTPClient: &http.Client{Timeout: patience},
		RetryMaxAttempts: 10, // on a busy machine, no node may be fresh enough for a few seconds
		Credentials:      credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	})
	for i := range 8 {
		l.all.Go(func() {
			if err := l.use(fmt.Sprint("client ", i)); err != nil {
				t.Errorf("client %d, after %d requests: %v", i, l.done.Load(), err)
			}
		})
	}
	return l
}

func (l *load) stop() {
	l.ended.Store(true)
	l.all.Wait()
}

// await waits for more requests.
func (l *load) await(more int64) {
	l.Helper()
	end := l.done.Load() + more
	for deadline := time.Now().Add(patience); l.done.Load() < end && !l.Failed(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.Fatal("the clients do not go on")
		}
	}
	if l.Failed() {
		l.FailNow()
	}
}

// use creates a key, and then changes and uses it. Every answer must show all changes that were acknowledged before.
func (l *load) use(text string) error {
	ctx := context.WithoutCancel(l.Context())
	made, err := l.client.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return err
	}
	id := made.KeyMetadata.KeyId
	for n := 0; !l.ended.Load(); n++ {
		description := fmt.Sprint(text, " ", n)
		for _, step := range []func() error{
			func() error {
				_, err := l.client.UpdateKeyDescription(ctx, &kms.UpdateKeyDescriptionInput{KeyId: id, Description: &description})
				return err
			},
			func() error {
				out, err := l.client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: id})
				if err == nil && aws.ToString(out.KeyMetadata.Description) != description {
					err = fmt.Errorf("the description is %q, not %q", *out.KeyMetadata.Description, description)
				}
				return err
			},
			func() error { return l.encrypt(ctx, id, []byte(description)) },
			func() error {
				_, err := l.client.DisableKey(ctx, &kms.DisableKeyInput{KeyId: id})
				return err
			},
			func() error {
				_, err := l.client.Encrypt(ctx, &kms.EncryptInput{KeyId: id, Plaintext: []byte(text)})
				if _, disabled := errors.AsType[*types.DisabledException](err); !disabled {
					return fmt.Errorf("Encrypt with a disabled key: %v", err)
				}
				return nil
			},
			func() error {
				_, err := l.client.EnableKey(ctx, &kms.EnableKeyInput{KeyId: id})
				return err
			},
		} {
			if err := step(); err != nil {
				return err
			}
			l.done.Add(1)
		}
	}
	return nil
}

// encrypt encrypts and decrypts a text.
func (l *load) encrypt(ctx context.Context, id *string, text []byte) error {
	sealed, err := l.client.Encrypt(ctx, &kms.EncryptInput{KeyId: id, Plaintext: text})
	if err != nil {
		return err
	}
	out, err := l.client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	if err == nil && !bytes.Equal(out.Plaintext, text) {
		err = errors.New("the ciphertext has another plaintext")
	}
	return err
}
