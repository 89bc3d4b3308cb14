package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"

	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/programtest"
	"github.com/keyhold/keyhold/internal/store/local"
)

// TestBitFlips flips one bit of a data folder at a time. The real program verifies and serves the
// folder, and the test asks about every key. Each answer must be right or a refusal. The program
// must end in order, or name the corrupt file or record. If an answer differs, verify must report
// the damage. KEYHOLD_FLIPS is the number of flips. KEYHOLD_SEED repeats the choice of bits, in
// another folder.
func TestBitFlips(t *testing.T) {
	flips, seed := fromEnv("KEYHOLD_FLIPS", 60), uint64(fromEnv("KEYHOLD_SEED", int(rand.Int32())))
	f := newFlipFolder(t)
	whole := readFlipFiles(t, f.dir)
	sound := f.run(t, whole)
	f.checkAnswers(sound.answers)
	if sound.ended != "" || sound.reported || len(sound.answers) < 180 {
		t.Fatalf("a folder without damage: %+v", sound)
	}

	var mu sync.Mutex
	counts := map[string]*flipCount{}
	random := rand.New(rand.NewPCG(seed, 1))
	work := make(chan flip)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for flip := range work {
				r := f.run(t, flip.apply(whole))
				mu.Lock()
				if counts[flip.area] == nil {
					counts[flip.area] = &flipCount{}
				}
				counts[flip.area].add(t, flip, sound.answers, r)
				mu.Unlock()
			}
		})
	}
	for range flips {
		work <- newFlip(random, whole)
	}
	close(work)
	workers.Wait()
	total := flipCount{}
	for _, area := range flipAreas {
		if c := counts[area]; c != nil {
			t.Logf("%-24s %v", area, *c)
			total.sum(*c)
		}
	}
	t.Logf("%-24s %v, seed %d", "all", total, seed)
	if flips >= 60 && total.reported < flips/10 {
		t.Error("verify reports hardly any flip: the test tested nothing")
	}
}

func fromEnv(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// flipFiles are the files of a data folder, by name. The database and the slots end in zeros.
type flipFiles map[string][]byte

func readFlipFiles(t *testing.T, dir string) flipFiles {
	t.Helper()
	files := flipFiles{}
	for _, name := range []string{local.FileName, "slots", host.AuditName} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = content
	}
	// The other parts of the log are not flipped here.
	err := filepath.WalkDir(filepath.Join(dir, "audit"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[strings.TrimPrefix(path, dir+"/")], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// contentLen returns the length of a file without the zeros at its end.
func (f flipFiles) contentLen(name string) int { return len(bytes.TrimRight(f[name], "\x00")) }

// A flip is one bit of one file.
type flip struct {
	area string
	file string
	bit  int
}

var flipAreas = []string{"database", "page headers", "slots", "audit log"}

// newFlip chooses a bit. It prefers the database, and in the database the page headers.
func newFlip(random *rand.Rand, whole flipFiles) flip {
	anyOf := func(area, file string) flip { return flip{area, file, random.IntN(8 * whole.contentLen(file))} }
	switch n := random.IntN(10); {
	case n < 5:
		return anyOf("database", local.FileName)
	case n < 8:
		size := os.Getpagesize()
		page := random.IntN(whole.contentLen(local.FileName)/size + 1)
		return flip{"page headers", local.FileName, 8*size*page + random.IntN(8*96)}
	case n < 9:
		return anyOf("slots", "slots")
	}
	return anyOf("audit log", host.AuditName)
}

// apply returns the files with the bit flipped.
func (f flip) apply(whole flipFiles) flipFiles {
	flipped := flipFiles{}
	for name, content := range whole {
		flipped[name] = content
	}
	flipped[f.file] = bytes.Clone(whole[f.file])
	flipped[f.file][f.bit/8] ^= 1 << (f.bit % 8)
	return flipped
}

func (f flip) String() string {
	return fmt.Sprintf("bit %d of byte %d of %s", f.bit%8, f.bit/8, f.file)
}

// A flipRun is the result of keyhold verify and of keyhold serve on one folder.
type flipRun struct {
	findings string // the output of verify
	reported bool   // verify ended with exit code 1
	answers  map[string]string
	ended    string // the log of a server that did not start or failed
	log      string
}

func (f *flipFolder) run(t *testing.T, files flipFiles) (r flipRun) {
	t.Helper()
	parent := t.TempDir()
	dir := filepath.Join(parent, "data")
	defer os.RemoveAll(parent)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Error(err)
	}
	for name, content := range files {
		if err := writeSparse(filepath.Join(dir, name), content, files.contentLen(name)); err != nil {
			t.Error(err)
		}
	}
	r.findings, r.reported = f.verify(t, dir)
	for name, content := range files {
		if after, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(after, content) {
			t.Errorf("verify changed %s (%v)", name, err)
		}
	}
	f.serve(t, dir, &r)
	if !r.reported && r.ended == "" {
		if findings, reported := f.verify(t, dir); reported {
			t.Errorf("verify reported nothing before the server ran. Now it reports:\n%s", findings)
		}
	}
	return r
}

func writeSparse(path string, content []byte, used int) error {
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content[:used], 0o600)); err != nil {
		return err
	}
	return os.Truncate(path, int64(len(content)))
}

// flipPatience bounds each command and each request. They take far less time.
const flipPatience = 3 * time.Minute

func (f *flipFolder) verify(t *testing.T, dir string) (findings string, reported bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), flipPatience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "keyhold", "verify", "--data", dir, "--root-key-file", f.rootKey).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitFailed || crashed(string(out))) {
		t.Errorf("verify: %v\n%s", err, out)
	}
	return string(out), err != nil
}

func crashed(output string) bool {
	return strings.Contains(output, "goroutine ") || strings.Contains(output, "panic") || strings.Contains(output, "fatal error")
}

// serve starts a server, asks all questions, and ends the server.
func (f *flipFolder) serve(t *testing.T, dir string, r *flipRun) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), flipPatience)
	defer cancel()
	log := &bytes.Buffer{}
	cmd := exec.Command("keyhold", "serve", "--data", dir, "--root-key-file", f.rootKey, "--addr", "127.0.0.1:0")
	cmd.Stderr = log
	server, err := programtest.Start(ctx, cmd)
	if server == nil {
		t.Error(err)
		return
	}
	if err == nil {
		defer context.AfterFunc(ctx, func() { server.Signal(os.Kill) })()
		r.answers = f.ask(ctx, server.Endpoint)
		err = server.End(syscall.SIGTERM)
	}
	r.log = onlyErrors(log.String())
	if err != nil {
		r.ended = r.log
	}
	if ctx.Err() != nil {
		t.Errorf("the server hung:\n%s", r.log)
	}
	if crashed(r.log) || err != nil && !corruptName.MatchString(r.log) {
		t.Errorf("the server ended, %v, and does not name the corrupt file or record:\n%s", err, r.log)
	}
}

// onlyErrors returns the log without warnings, which the server logs for refusals.
func onlyErrors(log string) (errs string) {
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "level=WARN") {
			errs += line
		}
	}
	return errs
}

// corruptName matches the name of a file, of a record, or of key material in a record.
var corruptName = regexp.MustCompile(`material [0-9a-f]{64} of arn|keyhold\.db|audit\.log|audit log|slots|keyring|"[a-z-]+/`)

// ask returns the answer to each question: the content of the response, or "refused" and the name of
// the error.
func (f *flipFolder) ask(ctx context.Context, endpoint string) map[string]string {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c := kms.New(kms.Options{
		BaseEndpoint: &endpoint, Region: flipRegion, RetryMaxAttempts: 1, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(f.accessKey, f.value, ""),
	})
	answers := map[string]string{}
	describe := func(id string) {
		answers["describe "+id] = askAgain(func() (string, error) {
			out, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
			if err != nil {
				return "", err
			}
			m := out.KeyMetadata
			return fmt.Sprint(m.KeyState, m.Enabled, m.Origin, *m.Arn, aws.ToString(m.CurrentKeyMaterialId), m.CreationDate, m.DeletionDate, m.ValidTo, *m.Description), nil
		})
	}
	decrypt := func(question string, k *flipKey, context map[string]string) {
		answers[question+" for "+k.id] = askAgain(func() (string, error) {
			out, err := c.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: k.blob, EncryptionContext: context})
			if err != nil {
				return "", err
			}
			return "plaintext " + string(out.Plaintext), nil
		})
	}
	for _, k := range f.keys {
		describe(k.id)
		for _, alias := range k.aliases {
			describe(alias)
		}
		decrypt("decrypt", k, k.context)
		decrypt("decrypt otherwise", k, map[string]string{"key": "another"})
	}
	answers["list keys"] = askAgain(func() (all string, err error) {
		out, err := c.ListKeys(ctx, &kms.ListKeysInput{Limit: aws.Int32(1000)})
		if err != nil {
			return "", err
		}
		for _, k := range out.Keys {
			all += *k.KeyArn + " "
		}
		return all, nil
	})
	answers["list aliases"] = askAgain(func() (all string, err error) {
		out, err := c.ListAliases(ctx, &kms.ListAliasesInput{Limit: aws.Int32(100)})
		if err != nil {
			return "", err
		}
		for _, a := range out.Aliases {
			all += *a.AliasName + "=" + aws.ToString(a.TargetKeyId) + " "
		}
		return all, nil
	})
	return answers
}

// askAgain returns the content, or "refused" and the name of the error. It tries again if there was
// no response, because a server may close an idle connection at the moment at which the client uses
// it.
func askAgain(ask func() (string, error)) string {
	for try := 1; ; try++ {
		content, err := ask()
		var refusal smithy.APIError
		switch {
		case err == nil:
			return content
		case errors.As(err, &refusal):
			return refused + refusal.ErrorCode()
		case try == 5:
			return refused + err.Error()
		}
	}
}

const refused = "refused "

// A flipCount counts the effects of flips.
type flipCount struct{ flips, reported, changed, absent, unstarted, harmless, silent, wrong int }

func (c flipCount) String() string {
	return fmt.Sprintf("%d flips: verify reports %d; %d changed an answer, %d of these kept the server from starting, %d made something seem to be missing; %d had no visible effect; %d changed an answer and verify does not report them; %d wrong answers",
		c.flips, c.reported, c.changed, c.unstarted, c.absent, c.harmless, c.silent, c.wrong)
}

func (c *flipCount) sum(other flipCount) {
	c.flips += other.flips
	c.reported += other.reported
	c.changed += other.changed
	c.absent += other.absent
	c.unstarted += other.unstarted
	c.harmless += other.harmless
	c.silent += other.silent
	c.wrong += other.wrong
}

// add compares the answers with the answers of a sound server, and counts the effects of the flip.
func (c *flipCount) add(t *testing.T, f flip, sound map[string]string, r flipRun) {
	t.Helper()
	c.flips++
	var changed []string
	absent := false
	for question, right := range sound {
		got := r.answers[question]
		switch {
		case got == right:
			continue
		case r.answers == nil: // the server did not start
		case strings.HasPrefix(question, "list ") && isPart(got, right), absences[got]:
			absent = true
		case !strings.HasPrefix(got, refused):
			c.wrong++
			t.Errorf("%v: %s: %q, was %q; verify printed:\n%s", f, question, got, right, r.findings)
		case !corruptName.MatchString(r.log):
			t.Errorf("%v: %s: %q, and the log does not name the corrupt file or record:\n%s", f, question, got, r.log)
		}
		changed = append(changed, fmt.Sprintf("%s: %q, was %q", question, got, right))
	}
	c.reported += count(r.reported)
	c.changed += count(len(changed) > 0)
	c.absent += count(absent)
	c.unstarted += count(r.answers == nil)
	c.harmless += count(len(changed) == 0 && !r.reported)
	if len(changed) > 0 && !r.reported {
		c.silent++
		t.Errorf("%v: verify reports nothing, and these answers differ: %q\n%s%s", f, changed, r.findings, r.log)
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// absences are refusals because something does not exist. If the path of a record is damaged, the
// server cannot find the record.
var absences = map[string]bool{refused + "NotFoundException": true, refused + "AccessDeniedException": true, refused + "UnrecognizedClientException": true}

// isPart reports whether list has only entries of whole, in the same order.
func isPart(list, whole string) bool {
	rest := strings.Fields(whole)
	for _, entry := range strings.Fields(list) {
		i := slices.Index(rest, entry)
		if i < 0 || strings.HasPrefix(list, refused) {
			return false
		}
		rest = rest[i+1:]
	}
	return true
}
