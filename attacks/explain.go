package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// explainedLog is the size of the audit log in bytes, and explainedEvent is the size of most of its events.
const (
	explainedLog   = 512 << 20
	explainedEvent = 7000
)

// explain asks for explanations of requests that are not in a large audit log, with 8 concurrent calls.
func explain(ctx context.Context, l *lab) (string, error) {
	s, err := l.serve()
	if err != nil {
		return "", err
	}
	if err := s.growLog(ctx); err != nil {
		return "", err
	}
	o, err := s.newOthers(ctx)
	if err != nil {
		return "", err
	}
	var explained, throttled, failed atomic.Int64
	client := l.http(8)
	stop := inParallel(ctx, 8, func(ctx context.Context, _ int) {
		for ctx.Err() == nil {
			switch text, err := s.explainOnce(ctx, client); {
			case strings.Contains(text, "have no request"):
				explained.Add(1)
			case strings.Contains(text, "ThrottlingException"):
				throttled.Add(1)
				time.Sleep(50 * time.Millisecond) // like the SDKs, but longer
			case ctx.Err() == nil && !errors.Is(err, context.Canceled):
				failed.Add(1)
			}
		}
	})
	time.Sleep(time.Second)
	figure, err := o.compareWithQuiet(ctx, 10*time.Second)
	stop()
	figure = fmt.Sprintf("%d explained, %d throttled; %s", explained.Load(), throttled.Load(), figure)
	if err != nil {
		return figure, err
	}
	if explained.Load() == 0 || failed.Load() > 0 {
		return figure, fmt.Errorf("%d calls failed", failed.Load())
	}
	resident, err := s.checkRSS()
	return figure + "; " + resident, err
}

// explainOnce asks about a request that does not exist, and returns the answer.
func (s *server) explainOnce(ctx context.Context, client *http.Client) (string, error) {
	r, err := s.sign(s.root, "KeyholdAdmin.ExplainDecision", `{"RequestId": "00000000-0000-4000-8000-000000000000"}`)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// growLog makes the server write large events. No other program can add lines to the log, because its lines are
// chained.
func (s *server) growLog(ctx context.Context) error {
	client := s.client(s.root, 8)
	made, err := client.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return err
	}
	in := &kms.EncryptInput{KeyId: made.KeyMetadata.KeyId, Plaintext: []byte("x"),
		EncryptionContext: map[string]string{"filler": strings.Repeat("x", explainedEvent)}}
	const writers = 8
	var all sync.WaitGroup
	failures := make([]error, writers)
	for i := range writers {
		all.Go(func() {
			for n := 0; n < explainedLog/explainedEvent/writers && failures[i] == nil; n++ {
				_, failures[i] = client.Encrypt(ctx, in)
			}
		})
	}
	all.Wait()
	return errors.Join(failures...)
}
