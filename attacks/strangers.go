package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// flooding is how long strangers send requests, and floodingBy from how many connections.
const (
	flooding    = 10 * time.Second
	floodingBy  = 8
	maxStranger = 64 << 10 // maximum growth of the audit log by strangers in bytes per second, including bursts
)

// unsigned sends AssumeRoleWithWebIdentity, which needs no signature, with the longest role ARN that fits into
// a body, consisting of bytes that JSON escapes.
func unsigned(ctx context.Context, l *lab) (string, error) {
	body := "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=s&WebIdentityToken=t.t.t&RoleArn=" +
		strings.Repeat("\x01", 130_000)
	return flood(ctx, l, func(*server) (*http.Request, error) {
		r, err := http.NewRequest(http.MethodPost, "", strings.NewReader(body))
		if err == nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return r, err
	})
}

// signatures sends requests that are signed with a wrong secret.
func signatures(ctx context.Context, l *lab) (string, error) {
	return flood(ctx, l, func(s *server) (*http.Request, error) {
		wrong := aws.Credentials{AccessKeyID: s.root.AccessKeyID, SecretAccessKey: "wrong"}
		r, err := s.sign(wrong, "TrentService.Encrypt", `{"KeyId": "alias/none", "Plaintext": "`+strings.Repeat("A",
			4000)+`"}`)
		if err == nil {
			r.Header.Set("User-Agent", strings.Repeat(`"`, 4000))
		}
		return r, err
	})
}

// sign returns a request to /, signed now.
func (s *server) sign(as aws.Credentials, target, body string) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodPost, s.url()+"/", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	hash := sha256.Sum256([]byte(body))
	return r, v4.NewSigner().SignHTTP(context.Background(), as, r, hex.EncodeToString(hash[:]), "kms", region, time.Now())
}

// flood repeats a request on several connections, and compares the audit log, the others and the memory of the
// server with the bars.
func flood(ctx context.Context, l *lab, request func(s *server) (*http.Request, error)) (string, error) {
	s, err := l.serve()
	if err != nil {
		return "", err
	}
	o, err := s.newOthers(ctx)
	if err != nil {
		return "", err
	}
	r, err := request(s)
	if err != nil {
		return "", err
	}
	before, err := s.logSize()
	if err != nil {
		return "", err
	}
	var refused, other atomic.Int64
	client := l.http(floodingBy)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	stop := inParallel(ctx, floodingBy, func(ctx context.Context, _ int) {
		for ctx.Err() == nil {
			again, _ := http.NewRequestWithContext(ctx, r.Method, s.url()+"/", bytes.NewReader(body))
			again.Header = r.Header
			switch status, err := statusOf(client, again); {
			case err != nil:
				time.Sleep(time.Millisecond)
			case status/100 == 4:
				refused.Add(1)
			default:
				other.Add(1)
			}
		}
	})
	figure, err := o.compareWithQuiet(ctx, flooding)
	stop()
	if err != nil {
		return figure, err
	}
	grown, err := s.grownByStrangers(before)
	if err != nil {
		return figure, err
	}
	perSecond := grown / int64(flooding/time.Second)
	figure = fmt.Sprintf("%d refused; the log grew by %d bytes a second; %s", refused.Load(), perSecond, figure)
	switch {
	case refused.Load() < 100 || other.Load() > 0:
		return figure, fmt.Errorf("%d requests were refused, and %d answered otherwise", refused.Load(), other.Load())
	case grown == 0:
		return figure, checkBar(false, "the audit log does not name the client")
	case perSecond > maxStranger:
		return figure, checkBar(false, "the log grew by %d bytes a second, at most %d", perSecond, maxStranger)
	}
	resident, err := s.checkRSS()
	return figure + "; " + resident, err
}

// statusOf sends a request and returns the status of the answer.
func statusOf(client *http.Client, r *http.Request) (int, error) {
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, nil
}

// grownByStrangers returns the number of bytes in the audit log that were not caused by the honest tenant.
func (s *server) grownByStrangers(before int64) (grown int64, err error) {
	text, err := os.ReadFile(filepath.Join(s.data, "audit.log"))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text[before:]) {
		if !bytes.Contains(line, []byte(`"eventName":"Encrypt","awsRegion":"us-east-1"`)) ||
			bytes.Contains(line, []byte(`"errorCode"`)) {
			grown += int64(len(line))
		}
	}
	return grown, nil
}
