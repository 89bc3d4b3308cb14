package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// keyCount is the number of keys that get material. enough of them have it when a node is killed.
const (
	keyCount = 12
	enough   = 4
)

// A story is the state that one step leaves for the next.
type story struct {
	*deployment
	out      io.Writer
	client   *client // through the load balancer
	keys     []*importedKey
	imported atomic.Int64
}

// A step does something, and checks its result.
type step struct {
	title string
	do    func(*story, context.Context) error
}

func steps() []step {
	return []step{
		{"Start a server of etcd, and make a deployment on it", (*story).make},
		{"Start three nodes, behind a load balancer", (*story).start},
		{"Create keys without key material", (*story).create},
		{"Import our own key material into all of them, and kill a node meanwhile", (*story).importAndKill},
		{"Compare the ID of the material of each key with ours", (*story).prove},
		{"Encrypt on one of the two nodes, and decrypt on the other", (*story).use},
		{"Start the killed node again, and decrypt on it", (*story).restart},
		{"Find the event of each import in the audit logs of the nodes", (*story).audit},
	}
}

// run runs all steps, and stops at the first one that fails.
func (s *story) run(ctx context.Context) error {
	for i, step := range steps() {
		fmt.Fprintf(s.out, "%2d  %s\n", i+1, step.title)
		if err := step.do(s, ctx); err != nil {
			return fmt.Errorf("step %d, %q: %w", i+1, step.title, err)
		}
	}
	fmt.Fprintln(s.out, "\nAll results are as expected: nothing was lost.")
	return nil
}

// show prints a result.
func (s *story) show(format string, args ...any) { fmt.Fprintf(s.out, "    "+format+"\n", args...) }

func (s *story) make(ctx context.Context) error {
	if err := s.startEtcd(); err != nil {
		return err
	}
	if err := s.init(ctx); err != nil {
		return err
	}
	s.show("%s", s.store)
	return nil
}

func (s *story) start(ctx context.Context) (err error) {
	for i := range 3 {
		n, err := s.serve(fmt.Sprint("node-", i+1))
		if err != nil {
			return err
		}
		s.show("%s  http://%s", n.name, n.address)
	}
	if s.balancer, err = balance(s.nodes); err != nil {
		return err
	}
	s.client = s.to(s.balancer.listener.Addr().String())
	out, err := exec.CommandContext(ctx, s.keyhold, "node", "list", "--store", s.store,
		"--root-key-file", s.folder+"/root.key").CombinedOutput()
	if n := strings.Count(string(out), "  serving "); err != nil || n != 3 {
		return fmt.Errorf("keyhold node list shows %d nodes that serve: %w: %s", n, err, out)
	}
	return nil
}

func (s *story) create(ctx context.Context) error {
	for range keyCount {
		k, err := s.client.create(ctx)
		if err != nil {
			return err
		}
		s.keys = append(s.keys, k)
	}
	s.show("%d keys", len(s.keys))
	return nil
}

// importAndKill imports into all keys at the same time. The SDK repeats requests whose connection breaks.
func (s *story) importAndKill(ctx context.Context) error {
	failed := make(chan error)
	for _, k := range s.keys {
		go func() {
			err := s.client.importMaterial(ctx, k)
			s.imported.Add(1)
			failed <- err
		}()
	}
	for s.imported.Load() < enough && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	s.nodes[0].kill()
	before := s.imported.Load()
	var err error
	for range s.keys {
		err = errors.Join(err, <-failed)
	}
	s.show("killed %s after %d of %d imports; the others succeeded on the other nodes",
		s.nodes[0].name, before, len(s.keys))
	return err
}

func (s *story) prove(ctx context.Context) error {
	for _, k := range s.keys {
		if err := s.client.prove(ctx, k); err != nil {
			return err
		}
	}
	s.show("%d are equal", len(s.keys))
	return nil
}

func (s *story) use(ctx context.Context) (err error) {
	one, other := s.to(s.nodes[1].address), s.to(s.nodes[2].address)
	for _, k := range s.keys {
		if k.ciphertext, err = one.encrypt(ctx, k); err != nil {
			return err
		}
		if err := other.decrypt(ctx, k); err != nil {
			return err
		}
	}
	s.show("%d ciphertexts of %s opened on %s", len(s.keys), s.nodes[1].name, s.nodes[2].name)
	return nil
}

func (s *story) restart(ctx context.Context) error {
	n, err := s.serve(s.nodes[0].name)
	if err != nil {
		return err
	}
	for _, k := range s.keys {
		if err := s.to(n.address).decrypt(ctx, k); err != nil {
			return err
		}
	}
	s.show("%d ciphertexts opened on %s", len(s.keys), n.name)
	return nil
}

// audit checks that the import of each key has an event. A repeated request has one more. After a takeover, two logs
// can have an event.
func (s *story) audit(context.Context) error {
	events, err := s.events()
	if err != nil {
		return err
	}
	found := 0
	for _, k := range s.keys {
		ids := events[aws.ToString(k.arn)]
		if len(ids) == 0 {
			return fmt.Errorf("the import into %s has no event", aws.ToString(k.arn))
		}
		for id, times := range ids {
			if times > 2 {
				return fmt.Errorf("event %s is %d times in the logs", id, times)
			}
			found++
		}
	}
	s.show("%d events of %d keys", found, len(s.keys))
	return nil
}
