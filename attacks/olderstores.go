package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// olderTries is the number of older stores that are restored.
const olderTries = 1000

// line returns a line of an audit log of about this size, with a stamp if revision is not 0.
func line(revision, size int) string {
	stamp := ""
	if revision != 0 {
		stamp = fmt.Sprintf(`,"storeRevision":%d`, revision)
	}
	return fmt.Sprintf(`{"eventVersion":"1.11","eventID":"generated","userAgent":"%s"%s}`+"\n", strings.Repeat("x", size),
		stamp)
}

// logEnds generate possible ends of an audit log: those that older versions and power failures leave, and those
// that an attacker would write to have an older store accepted.
var logEnds = []func(r *rand.Rand) string{
	func(*rand.Rand) string { return "" },
	func(r *rand.Rand) string { return line(0, 1<<20+r.IntN(2<<20)) },
	func(r *rand.Rand) string { return line(1, 1<<20+r.IntN(2<<20)) },
	func(r *rand.Rand) string { return strings.Repeat(line(0, 1<<20+r.IntN(1<<20)), 2) },
	func(r *rand.Rand) string { return strings.Repeat(line(0, 500+r.IntN(1000)), 3000) },
	func(r *rand.Rand) string { return strings.Repeat(line(1, 300), r.IntN(900)) },
	func(r *rand.Rand) string { return line(0, 500)[:1+r.IntN(400)] },
	func(r *rand.Rand) string { return strings.Repeat("\x00", 1+r.IntN(8<<10)) },
	func(r *rand.Rand) string { return strings.Repeat("x", r.IntN(3<<20)) + "\n" },
	func(r *rand.Rand) string { return "\xff\n" + strings.Repeat(line(1, 300), r.IntN(900)) },
}

// restoreOlderStores restores a database from before some changes, next to audit logs with all kinds of ends. No
// server may start with it.
func restoreOlderStores(ctx context.Context, l *lab) (string, error) {
	s, err := l.serve()
	if err != nil {
		return "", err
	}
	database, log := filepath.Join(s.data, "keyhold.db"), filepath.Join(s.data, "audit.log")
	s.stop()
	older, err := os.ReadFile(database)
	if err != nil {
		return "", err
	}
	if err := s.start(); err != nil {
		return "", err
	}
	for range 3 {
		if _, err := s.client(s.root, 1).CreateKey(ctx, &kms.CreateKeyInput{}); err != nil {
			return "", err
		}
	}
	s.stop()
	whole, err := os.ReadFile(log)
	if err != nil {
		return "", err
	}
	random := rand.New(rand.NewPCG(12, olderTries))
	refused := 0
	var believed []int
	for i := range olderTries {
		end := i % len(logEnds)
		err := errors.Join(os.WriteFile(database, older, 0o600), os.WriteFile(log,
			append(bytes.Clone(whole), logEnds[end](random)...), 0o600))
		if err != nil {
			return "", err
		}
		started, said, err := s.tryStart(ctx)
		switch {
		case err != nil:
			return "", err
		case started:
			believed = append(believed, end)
		case strings.Contains(said, "older than its audit log") || strings.Contains(said, "whether the store is older"):
			refused++
		default:
			return "", fmt.Errorf("it did not start for another reason: %s", said)
		}
	}
	figure := fmt.Sprintf("%d of %d older stores refused", refused, olderTries)
	return figure, checkBar(len(believed) == 0, "%d older stores were accepted, the first with the log end %v",
		len(believed), first(believed))
}

func first(all []int) int {
	if len(all) == 0 {
		return -1
	}
	return all[0]
}

// tryStart starts a server on the data folder, and stops the server if it listens. It returns whether it did,
// and its output.
func (s *server) tryStart(ctx context.Context) (started bool, said string, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.l.program, "serve", "--data", s.data, "--root-key-file", s.l.file("root-key"),
		"--addr", "127.0.0.1:0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, "", err
	}
	if err := cmd.Start(); err != nil {
		return false, "", err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !started {
		started = strings.Contains(lines.Text(), "endpoint")
	}
	if started {
		cmd.Process.Kill()
	}
	io.Copy(io.Discard, out)
	cmd.Wait()
	return started, stderr.String(), ctx.Err()
}
