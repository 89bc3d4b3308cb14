package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// sign returns a request of the API in its wire format, signed now.
func sign(addr, operation string, in any) ([]byte, error) {
	return signAs(devRoot, addr, operation, in)
}

// devRoot are the credentials of the root of a dev server's account.
var devRoot = aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}

// signAs returns a request that is signed with the credentials.
func signAs(credentials aws.Credentials, addr, operation string, in any) ([]byte, error) {
	return signFor(credentials, addr, "TrentService."+operation, in)
}

// signFor returns a request of any API, whose target has the API and the operation.
func signFor(credentials aws.Credentials, addr, target string, in any) ([]byte, error) {
	return signAll(credentials, "us-east-1", addr, target, in)
}

// signIn returns a request of the root to a Region.
func signIn(region, addr, operation string, in any) ([]byte, error) {
	return signAll(devRoot, region, addr, "TrentService."+operation, in)
}

func signAll(credentials aws.Credentials, region, addr, target string, in any) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodPost, "http://"+addr+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", mediaType)
	r.Header.Set("User-Agent", "keyhold-bench/1")
	r.Header.Set("X-Amz-Target", target)
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, r, hex.EncodeToString(hash[:]), "kms",
		region, time.Now()); err != nil {
		return nil, err
	}
	return httputil.DumpRequestOut(r, true)
}

// A conn is a connection that stays open.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func dial(addr string) (*conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{c, bufio.NewReaderSize(c, 16<<10)}, nil
}

// do sends a request and returns the body of its answer, which must be a success. It parses only the HTTP that
// these servers send: net/http would take more time than some of the measured operations.
func (c *conn) do(request []byte) ([]byte, error) {
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	status, err := c.r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	length := 0
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if len(line) <= 2 {
			break
		}
		if digits, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(digits)))
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(c.r, body); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(status, "HTTP/1.1 200") {
		return nil, fmt.Errorf("%s %s", strings.TrimSpace(status), body)
	}
	return body, nil
}

// call sends one request to a dev server.
func call(addr, operation string, in map[string]any) (out map[string]any, err error) {
	return callAs(devRoot, addr, operation, in)
}

func callAs(by aws.Credentials, addr, operation string, in map[string]any) (out map[string]any, err error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	request, err := signAs(by, addr, operation, in)
	if err != nil {
		return nil, err
	}
	body, err := c.do(request)
	if err == nil {
		err = json.Unmarshal(body, &out)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	return out, nil
}

// A load is the requests of one operation. They are signed again for each run.
type load struct {
	operation string
	bodies    []map[string]any
	by        aws.Credentials // credentials of the sender; the root of the server if empty
}

// sample is the number of different requests in a load.
const sample = 64

// prepare creates the keys and ciphertexts that the operation needs on a server. operation may end with a colon
// and a key spec.
func prepare(s *server, operation string, keys int) (*load, error) {
	name, spec, _ := strings.Cut(operation, ":")
	l := &load{operation: name}
	if name == "CreateKey" {
		l.bodies = []map[string]any{{}}
		return l, nil
	}
	key := map[string]any{}
	if spec != "" {
		key = map[string]any{"KeySpec": spec, "KeyUsage": algorithms[spec].usage}
	}
	var ids []any
	for range keys {
		made, err := callAs(s.root, s.addr, "CreateKey", key)
		if err != nil {
			return nil, err
		}
		ids = append(ids, made["KeyMetadata"].(map[string]any)["KeyId"])
	}
	for i := range max(sample, keys) {
		in, err := request(s, name, spec, ids[i%keys], i)
		if err != nil {
			return nil, err
		}
		l.bodies = append(l.bodies, in)
	}
	return l, nil
}

var encryptionContext = map[string]string{"tenant": "t-0001", "aws:s3:arn": "arn:aws:s3:::" + strings.Repeat("o", 208)}

// request returns the members of the i-th different request.
func request(s *server, operation, spec string, id any, i int) (map[string]any, error) {
	message := bytes.Repeat([]byte{byte(i)}, 64)
	in := map[string]any{"KeyId": id}
	a, signs := algorithms[spec]
	switch {
	case operation == "DescribeKey":
	case operation == "UpdateKeyDescription":
		in["Description"] = fmt.Sprintf("description %09d", i)
	case operation == "Encrypt":
		in["EncryptionContext"], in["Plaintext"] = encryptionContext, message
	case operation == "GenerateDataKey":
		in["EncryptionContext"], in["KeySpec"] = encryptionContext, "AES_256"
	case operation == "Decrypt":
		made, err := callAs(s.root, s.addr, "Encrypt", map[string]any{"KeyId": id, "EncryptionContext": encryptionContext,
			"Plaintext": message})
		if err != nil {
			return nil, err
		}
		in["EncryptionContext"], in["CiphertextBlob"] = encryptionContext, made["CiphertextBlob"]
	case operation == "Sign" && signs:
		in["SigningAlgorithm"], in["Message"] = a.name, message
	case operation == "GenerateMac" && signs:
		in["MacAlgorithm"], in["Message"] = a.name, message
	default:
		return nil, fmt.Errorf("there is no load of %s with a key of spec %q", operation, spec)
	}
	return in, nil
}

// A measure is the result of a run.
type measure struct {
	requests int
	rate     float64 // per second
	p50, p99 time.Duration
	cpu      time.Duration // processor time of the server per request
}

func (m measure) String() string {
	return fmt.Sprintf("%8.0f /s   p50 %6d us   p99 %6d us   CPU %6.1f us", m.rate, m.p50.Microseconds(),
		m.p99.Microseconds(), float64(m.cpu.Nanoseconds())/1000)
}

// drive sends requests on this number of connections, each as soon as the previous one was answered. It
// measures after a time of warming up.
func (l *load) drive(s *server, conns int, length time.Duration) (m measure, err error) {
	var requests [][]byte
	for _, in := range l.bodies {
		r, err := signAs(cmp.Or(l.by, s.root), s.addr, l.operation, in)
		if err != nil {
			return m, err
		}
		requests = append(requests, r)
	}
	var phase atomic.Int32
	var all sync.WaitGroup
	times, errs := make([][]time.Duration, conns), make([]error, conns)
	for i := range conns {
		all.Go(func() { times[i], errs[i] = drive(s.addr, requests, i, &phase) })
	}
	time.Sleep(length / 4)
	cpu, begun := s.cpu(), time.Now()
	phase.Store(measuring)
	time.Sleep(length)
	phase.Store(ending)
	took := time.Since(begun)
	cpu = s.cpu() - cpu
	all.Wait()
	sorted := slices.Concat(times...)
	slices.Sort(sorted)
	if err := errors.Join(errs...); err != nil || len(sorted) == 0 {
		return m, errors.Join(fmt.Errorf("%s on %s: %d requests", l.operation, s.name, len(sorted)), err)
	}
	n := len(sorted)
	return measure{n, float64(n) / took.Seconds(), sorted[n/2], sorted[n*99/100], cpu / time.Duration(n)}, nil
}

// The phases of a run after warming up.
const (
	measuring = 1
	ending    = 2
)

func drive(addr string, requests [][]byte, from int, phase *atomic.Int32) (times []time.Duration, err error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for i := 7 * from; phase.Load() != ending; i++ {
		begun := time.Now()
		if _, err := c.do(requests[i%len(requests)]); err != nil {
			return nil, err
		}
		if took := time.Since(begun); phase.Load() == measuring {
			times = append(times, took)
		}
	}
	return times, nil
}

// median returns the run with the median CPU time.
func median(all []measure) measure {
	slices.SortFunc(all, func(a, b measure) int { return int(a.cpu - b.cpu) })
	return all[len(all)/2]
}
