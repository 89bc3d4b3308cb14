package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// openRate is the load of the parts backup and reseal, in requests a second.
const openRate = 500

// otherRegion has the replicas that the load of the part backup makes.
const otherRegion = "eu-west-1"

// backup makes a backup of a server with many keys under load, and restores the backup elsewhere. It opens 1,000
// ciphertexts that were made before, and looks for changes of the load that are in the backup in part.
func (s settings) backup() error {
	if s.many == 0 {
		return nil
	}
	k, took, err := s.startFilled(anywhere)
	if err != nil {
		return err
	}
	defer k.stop()
	fmt.Printf("Backup of a server with %d keys, which took %.0f s to create, under %d requests a second\n", s.many,
		took.Seconds(), openRate)
	b := &backupRun{settings: s, server: k, dir: k.data + "-backup"}
	defer os.RemoveAll(b.dir)
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		return err
	}
	if b.before, err = prepare(k, "Decrypt", 1000); err != nil {
		return err
	}
	if err := b.make(); err != nil {
		return err
	}
	return b.restore()
}

// A backupRun is one run of the part backup.
type backupRun struct {
	settings
	server *server
	dir    string
	before *load // 1,000 ciphertexts

	mu      sync.Mutex
	primary string    // ID of a key that has no replica yet
	changes []change  // of the load
	began   time.Time // of the backup
	ended   time.Time
}

// A change made a multi-Region key, or a replica of one.
type change struct {
	id        string
	replica   bool
	sent, got time.Time
}

// make makes the backup under load.
func (b *backupRun) make() error {
	if err := b.run("recover", "identity", "--out", b.path("identity")); err != nil {
		return err
	}
	l := startOpen(b.server, openRate, b.request)
	time.Sleep(b.length) // warms up
	begun, size := time.Now(), b.databaseSize()
	time.Sleep(max(10*time.Second, 5*b.length))
	b.began = time.Now()
	err := b.run("backup", "--endpoint-url", "http://"+b.server.addr, "--to", b.path("a.backup"), "--recipients",
		b.path("recipients"))
	b.ended = time.Now()
	grown := b.databaseSize()
	time.Sleep(b.length)
	if failed := l.stop(); err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	file, err := os.Stat(b.path("a.backup"))
	if err != nil {
		return err
	}
	fmt.Printf("  The backup took %.1f s and has %.1f MB; keyhold.db had %.1f MB before, and %.1f MB after it\n",
		b.ended.Sub(b.began).Seconds(), mb(file.Size()), mb(size), mb(grown))
	l.compare("meanwhile", begun, b.began, b.ended, "", "Decrypt", "changes")
	return nil
}

func mb(bytes int64) float64 { return float64(bytes) / 1e6 }

func (b *backupRun) path(name string) string { return filepath.Join(b.dir, name) }

// rootKey returns the root key file of a dev server.
func (b *backupRun) rootKey() string { return filepath.Join(b.server.data, "root.key") }

func (b *backupRun) databaseSize() int64 {
	info, err := os.Stat(filepath.Join(b.server.data, "keyhold.db"))
	if err != nil {
		return 0
	}
	return info.Size()
}

// run runs a command of the program. The output of recover identity is kept as recipients.
func (b *backupRun) run(words ...string) error {
	c := exec.Command(b.program, words...)
	c.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+devRoot.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY="+devRoot.SecretAccessKey, "AWS_REGION=us-east-1")
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("keyhold %s: %w\n%s%s", words[0], err, stdout.Bytes(), stderr.Bytes())
	}
	if words[0] == "recover" {
		return os.WriteFile(b.path("recipients"), stdout.Bytes(), 0o600)
	}
	return nil
}

// request returns the i-th request of the load: one of twenty makes a multi-Region key, one a replica of such a key,
// and the others open ciphertexts.
func (b *backupRun) request(i int) (kind, operation string, in map[string]any, done func([]byte) error) {
	switch i % 20 {
	case 0:
		sent := time.Now()
		return "changes", "CreateKey", map[string]any{"MultiRegion": true, "Description": "made under load"},
			func(answer []byte) error {
				var out struct{ KeyMetadata struct{ KeyId string } }
				err := json.Unmarshal(answer, &out)
				b.note(change{id: out.KeyMetadata.KeyId, sent: sent})
				return err
			}
	case 10:
		b.mu.Lock()
		id := b.primary
		b.primary = ""
		b.mu.Unlock()
		if id == "" {
			break
		}
		sent := time.Now()
		return "changes", "ReplicateKey", map[string]any{"KeyId": id, "ReplicaRegion": otherRegion}, func([]byte) error {
			b.note(change{id: id, replica: true, sent: sent})
			return nil
		}
	}
	return "Decrypt", "Decrypt", b.before.bodies[i%len(b.before.bodies)], nil
}

func (b *backupRun) note(c change) {
	c.got = time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changes = append(b.changes, c)
	if !c.replica {
		b.primary = c.id
	}
}

// restore restores the backup to another folder, and checks the keys there.
func (b *backupRun) restore() error {
	b.server.end()
	begun, to := time.Now(), b.path("restored")
	if err := b.run("restore", "--from", b.path("a.backup"), "--identity", b.path("identity"), "--root-key-file",
		b.rootKey(), "--to", to, "--without-logs"); err != nil {
		return err
	}
	fmt.Printf("  The restore took %.1f s\n", time.Since(begun).Seconds())
	k, err := start(anywhere, "keyhold", b.program, "dev", "--addr", "127.0.0.1:0", "--data", to, "--root-key-file",
		b.rootKey())
	if err != nil {
		return err
	}
	defer k.stop()
	opened, err := b.open(k)
	if err != nil {
		return err
	}
	fmt.Printf("  %d of %d ciphertexts that were made before open\n", opened, len(b.before.bodies))
	return b.checkChanges(k)
}

// open opens the ciphertexts, and returns how many have the right plaintext.
func (b *backupRun) open(k *server) (opened int, err error) {
	for i, in := range b.before.bodies {
		out, err := call(k.addr, "Decrypt", in)
		if err != nil {
			return opened, err
		}
		if out["Plaintext"] == base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{byte(i)}, 64)) {
			opened++
		}
	}
	if opened < len(b.before.bodies) {
		return opened, fmt.Errorf("%d of %d ciphertexts open", opened, len(b.before.bodies))
	}
	return opened, nil
}

// checkChanges checks that the restored store has each change as a whole or not at all: a key with its description and
// policy, a replica with the list of replicas of its primary key. Changes from before the backup must be there, and
// changes from after its end must not.
func (b *backupRun) checkChanges(k *server) error {
	var there, absent, wrong atomic.Int64
	var all sync.WaitGroup
	work := make(chan change)
	for range 8 {
		all.Go(func() {
			for c := range work {
				is, whole := b.find(k, c)
				switch {
				case !whole, is && c.sent.After(b.ended), !is && c.got.Before(b.began):
					wrong.Add(1)
					fmt.Printf("  WRONG: %+v: there %v, whole %v\n", c, is, whole)
				case is:
					there.Add(1)
				default:
					absent.Add(1)
				}
			}
		})
	}
	for _, c := range b.changes {
		work <- c
	}
	close(work)
	all.Wait()
	fmt.Printf("  Changes of the load: %d are in the backup, %d are not, %d are there in part or against the order\n",
		there.Load(), absent.Load(), wrong.Load())
	if wrong.Load() > 0 {
		return fmt.Errorf("%d changes are wrong", wrong.Load())
	}
	return nil
}

// find reports whether the store has a change, and whether it has all of it or nothing.
func (b *backupRun) find(k *server, c change) (there, whole bool) {
	var made struct {
		KeyMetadata struct {
			Description              string
			MultiRegionConfiguration struct {
				ReplicaKeys []struct{ Region string }
			}
		}
	}
	describe := func(region string) bool {
		request, err := signIn(region, k.addr, "DescribeKey", map[string]any{"KeyId": c.id})
		if err != nil {
			return false
		}
		connection, err := dial(k.addr)
		if err != nil {
			return false
		}
		defer connection.Close()
		answer, err := connection.do(request)
		return err == nil && json.Unmarshal(answer, &made) == nil
	}
	primary := describe("us-east-1")
	if !c.replica {
		_, err := call(k.addr, "GetKeyPolicy", map[string]any{"KeyId": c.id})
		return primary, primary == (made.KeyMetadata.Description == "made under load") && primary == (err == nil)
	}
	listed := primary && len(made.KeyMetadata.MultiRegionConfiguration.ReplicaKeys) > 0
	replica := describe(otherRegion)
	return replica, replica == listed
}
