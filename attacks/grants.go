package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// A crowd is a key on which one user has many grants that do not match the user's requests, and another user
// has none.
type crowd struct {
	s             *server
	key           *string
	mallory, none *kms.Client
}

// manyGrants is the default number of grants (KEYHOLD_GRANTS, up to 50,000). grantTime is the time limit for
// creating them.
const (
	manyGrants = 8000
	grantTime  = 5 * time.Minute
	maxShapes  = 20 // quota of grant shapes for one principal on one key
)

// grants creates many grants for one principal, which then loops on requests that none of them allows.
func grants(ctx context.Context, l *lab) (string, error) {
	s, err := l.serve()
	if err != nil {
		return "", err
	}
	o, err := s.newOthers(ctx)
	if err != nil {
		return "", err
	}
	c, err := s.newCrowd(ctx)
	if err != nil {
		return "", err
	}
	n := manyGrants
	if text := os.Getenv("KEYHOLD_GRANTS"); text != "" {
		if n, err = strconv.Atoi(text); err != nil {
			return "", err
		}
	}
	if n, err = c.fill(ctx, n); err != nil {
		return "", err
	}
	figure, err := c.compare(ctx)
	figure = fmt.Sprintf("%d grants: %s", n, figure)
	if err != nil {
		return figure, err
	}
	caught := &catcher{}
	if c.expectRefusal(ctx, caught.client(c.mallory)); caught.raw == nil {
		return figure, errors.New("no request was signed")
	}
	stop := s.repeat(ctx, grantConns, caught.raw, &outcomes{})
	suffered, err := o.compareWithQuiet(ctx, 5*time.Second)
	stop()
	return figure + "; " + suffered, err
}

// grantConns is the number of connections of the attacker.
const grantConns = 16

func (s *server) newCrowd(ctx context.Context) (*crowd, error) {
	const nothing = `{"Version": "2012-10-17",
	"Statement": {"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"}}`
	c := &crowd{s: s}
	made, err := s.client(s.root, 1).CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return nil, err
	}
	c.key = made.KeyMetadata.KeyId
	for name, client := range map[string]**kms.Client{"mallory": &c.mallory, "nobody": &c.none} {
		credentials, err := s.user(ctx, name, nothing)
		if err != nil {
			return nil, err
		}
		*client = s.client(credentials, 8)
	}
	return c, nil
}

// refusedContext returns the encryption context of the refused requests. It has all names in the grants.
func refusedContext() map[string]string {
	return map[string]string{"a": "1", "b": "1", "c": "1", "d": "1", "e": "1", "n": "none"}
}

// fill creates grants of as many shapes as a principal can have on a key. It returns the number created in
// time.
func (c *crowd) fill(ctx context.Context, n int) (int, error) {
	root := c.s.client(c.s.root, 4)
	var next, made atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	begun := time.Now()
	for range 4 {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && time.Since(begun) < grantTime && failed.Load() == nil; {
				err := c.grant(ctx, root, i)
				switch {
				case err == nil:
					made.Add(1)
					i = next.Add(1) - 1
				case !strings.Contains(err.Error(), "ThrottlingException"):
					failed.Store(&err)
				}
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return int(made.Load()), nil
}

// grant creates grant number i, whose encryption context does not occur in requests.
func (c *crowd) grant(ctx context.Context, root *kms.Client, i int64) error {
	subset := refusedContext()
	for bit, name := range []string{"a", "b", "c", "d", "e"} {
		if i%maxShapes>>bit&1 == 0 {
			delete(subset, name)
		}
	}
	subset["n"] = fmt.Sprint(i)
	_, err := root.CreateGrant(ctx, &kms.CreateGrantInput{
		KeyId: c.key, GranteePrincipal: aws.String("arn:aws:iam::" + account + ":user/mallory"),
		Operations:  []types.GrantOperation{types.GrantOperationEncrypt},
		Constraints: &types.GrantConstraints{EncryptionContextSubset: subset},
	})
	return err
}

// expectRefusal calls Encrypt as a user without permission.
func (c *crowd) expectRefusal(ctx context.Context, as *kms.Client) error {
	key := aws.String("arn:aws:kms:" + region + ":" + account + ":key/" + *c.key)
	_, err := as.Encrypt(ctx, &kms.EncryptInput{KeyId: key, Plaintext: []byte("x"), EncryptionContext: refusedContext()})
	if err == nil {
		return errors.New("a grant that does not match allowed a request")
	}
	if !strings.Contains(err.Error(), "AccessDeniedException") {
		return err
	}
	return nil
}

// compare compares refused requests of the user with grants and of the user without, in response time and
// processor time.
func (c *crowd) compare(ctx context.Context) (string, error) {
	var took [2]time.Duration
	var used [2]time.Duration
	for i, as := range []*kms.Client{c.none, c.mallory} {
		before, err := c.s.cpu()
		if err != nil {
			return "", err
		}
		var times []time.Duration
		for range 300 {
			at := time.Now()
			if err := c.expectRefusal(ctx, as); err != nil {
				return "", err
			}
			times = append(times, time.Since(at))
		}
		after, err := c.s.cpu()
		if err != nil {
			return "", err
		}
		slices.Sort(times)
		took[i], used[i] = percentile(times, 50), (after-before)/300
	}
	slower, dearer := float64(took[1])/float64(took[0]), float64(used[1])/float64(used[0])
	figure := fmt.Sprintf("a refusal takes %.2f ms, without grants %.2f ms: %.1f times; of the processors %.2f ms and "+
		"%.2f ms: %.1f times",
		ms(took[1]), ms(took[0]), slower, ms(used[1]), ms(used[0]), dearer)
	return figure, checkBar(slower <= 2 && dearer <= 2, "a refusal costs %.1f times as much as without grants, at most 2",
		max(slower, dearer))
}

// cpu returns the processor time of the server (proc_pid_stat(5), utime and stime, in hundredths of a second).
func (s *server) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(after)
	if len(f) < 13 {
		return 0, errors.New("no utime in " + string(text))
	}
	user, err1 := strconv.Atoi(f[11])
	system, err2 := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2)
}
