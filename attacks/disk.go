package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const (
	diskSize  = "96m" // size of the volume
	diskFills = 20
	diskBack  = 5 * time.Second  // maximum time until all requests are served again when there is space
	diskWait  = 60 * time.Second // maximum time for filling the volume, and for an expiry
	diskKeys  = 400              // maximum number of keys created during one fill
	fillConns = 16
)

// A diskAttack is an attack on a server whose data folder is on a small volume.
type diskAttack struct {
	*server
	client       *kms.Client
	volume       string
	used         *string  // key for test requests
	acknowledged []string // keys whose creation was acknowledged
	back         time.Duration
}

// fillDisk fills the volume of a server repeatedly, with unsigned requests and, if these are not enough, with
// another file.
func fillDisk(ctx context.Context, l *lab) (figure string, err error) {
	volume := l.file("volume")
	if err := os.Mkdir(volume, 0o700); err != nil {
		return "", err
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+diskSize, "keyhold",
		volume).CombinedOutput(); err != nil {
		return "", fmt.Errorf("mount: %w: %s", err, out)
	}
	// With a small reserve, the server notices early that the reserve is not complete. Everything that it
	// writes until then stays on the volume, which must have room for 20 fills.
	s, err := l.serveIn(filepath.Join(volume, "data"), "--disk-reserve", "4")
	defer func() {
		if s.cmd != nil {
			s.stop()
		}
		err = errors.Join(err, exec.Command("umount", volume).Run())
	}()
	if err != nil {
		return "", err
	}
	a := &diskAttack{server: s, client: s.client(s.root, 2*fillConns), volume: volume}
	made, err := a.client.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return "", err
	}
	a.used = made.KeyMetadata.KeyId
	for round := range diskFills {
		if err := a.round(ctx); err != nil {
			return fmt.Sprintf("fill %d of %d", round+1, diskFills), err
		}
	}
	return a.finish(ctx)
}

// round fills the volume once and frees its space again.
func (a *diskAttack) round(ctx context.Context) error {
	open, expiring, expiry, err := a.victims(ctx)
	if err != nil {
		return err
	}
	filler := filepath.Join(a.volume, "filler")
	if err := a.fill(ctx, filler); err != nil {
		return err
	}
	if _, err := a.client.DisableKey(ctx, &kms.DisableKeyInput{KeyId: open}); err != nil {
		return fmt.Errorf("%w: DisableKey on a full disk: %w", errMissed, err)
	}
	if err := a.awaitExpiry(ctx, *expiring, expiry); err != nil {
		return err
	}
	if err := os.Remove(filler); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	at := time.Now()
	for a.serves(ctx) != nil {
		if time.Since(at) > diskWait || !a.alive() {
			return fmt.Errorf("%w: requests are still refused %v after there is space; the data folder has %d MiB", errMissed,
				time.Since(at), a.size()>>20)
		}
		time.Sleep(10 * time.Millisecond)
	}
	a.back = max(a.back, time.Since(at))
	return errors.Join(a.isNow(ctx, open, types.KeyStateDisabled), a.isNow(ctx, expiring, types.KeyStatePendingImport))
}

// size returns the size of the files in the data folder in bytes.
func (a *diskAttack) size() (bytes int64) {
	files, _ := filepath.Glob(filepath.Join(a.data, "*"))
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

// serves sends one Encrypt request.
func (a *diskAttack) serves(ctx context.Context) error {
	_, err := a.client.Encrypt(ctx, &kms.EncryptInput{KeyId: a.used, Plaintext: []byte("x")})
	return err
}

// victims creates a key to be disabled while the disk is full, and a key whose material expires then.
func (a *diskAttack) victims(ctx context.Context) (open, expiring *string, expiry time.Time, err error) {
	first, err := a.client.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return nil, nil, expiry, err
	}
	second, err := a.client.CreateKey(ctx, &kms.CreateKeyInput{Origin: types.OriginTypeExternal})
	if err != nil {
		return nil, nil, expiry, err
	}
	open, expiring = first.KeyMetadata.KeyId, second.KeyMetadata.KeyId
	p, err := a.client.GetParametersForImport(ctx, &kms.GetParametersForImportInput{
		KeyId: expiring, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048,
	})
	if err != nil {
		return nil, nil, expiry, err
	}
	public, err := x509.ParsePKIXPublicKey(p.PublicKey)
	if err != nil {
		return nil, nil, expiry, err
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), make([]byte, 32), nil)
	if err != nil {
		return nil, nil, expiry, err
	}
	expiry = time.Now().Add(5 * time.Second)
	_, err = a.client.ImportKeyMaterial(ctx, &kms.ImportKeyMaterialInput{
		KeyId: expiring, ImportToken: p.ImportToken, EncryptedKeyMaterial: wrapped, ValidTo: aws.Time(expiry),
	})
	return open, expiring, expiry, err
}

// fill sends requests of strangers, creates keys as a tenant, and fills the rest of the volume with a file,
// until the server refuses requests.
func (a *diskAttack) fill(ctx context.Context, filler string) error {
	ctx, cancel := context.WithTimeout(ctx, diskWait)
	defer cancel()
	stranger := a.l.http(fillConns)
	stop := inParallel(ctx, fillConns, func(ctx context.Context, _ int) {
		for range 100 {
			a.unsigned(ctx, stranger)
		}
	})
	defer stop()
	time.Sleep(time.Second) // time for the unsigned requests alone
	if err := fillVolume(filler); err != nil {
		return err
	}
	var mu sync.Mutex
	stopMaking := inParallel(ctx, fillConns, func(ctx context.Context, _ int) {
		for n := 0; ctx.Err() == nil && a.alive(); n++ {
			if n >= diskKeys/fillConns {
				a.serves(ctx) // writes an event, which makes room for other fills
				continue
			}
			made, err := a.client.CreateKey(context.WithoutCancel(ctx), &kms.CreateKeyInput{})
			if err == nil {
				mu.Lock()
				a.acknowledged = append(a.acknowledged, *made.KeyMetadata.KeyId)
				mu.Unlock()
			}
		}
	})
	defer stopMaking()
	for {
		err := a.serves(ctx)
		switch {
		case !a.alive():
			return fmt.Errorf("%w: the process has ended: %s", errMissed, lastLine(a.log.text()))
		case ctx.Err() != nil:
			return errors.New("the disk does not become full")
		case err != nil && strings.Contains(a.log.text(), "the disk is full"):
			return nil
		}
	}
}

// unsigned sends an unsigned request whose event used to be nine times as large.
func (a *diskAttack) unsigned(ctx context.Context, c *http.Client) {
	form := url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleSessionName": {"x"},
		"WebIdentityToken": {"x.x.x"}}
	body := form.Encode() + "&RoleArn=" + strings.Repeat("\x01", 130_000)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url()+"/", strings.NewReader(body))
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if answer, err := c.Do(r); err == nil {
		answer.Body.Close()
	}
}

// fillVolume writes to a file until the volume is full.
func fillVolume(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for block := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(block)
	}
	return nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// awaitExpiry waits until the audit log reports that the material of a key expired.
func (a *diskAttack) awaitExpiry(ctx context.Context, key string, expiry time.Time) error {
	for ctx.Err() == nil && time.Since(expiry) < diskWait {
		log, err := os.ReadFile(filepath.Join(a.data, "audit.log"))
		if err != nil {
			return err
		}
		for line := range bytes.Lines(log) {
			if bytes.Contains(line, []byte("DeleteExpiredKeyMaterial")) && bytes.Contains(line, []byte(key)) {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("%w: material did not expire on a full disk", errMissed)
}

func (a *diskAttack) isNow(ctx context.Context, key *string, state types.KeyState) error {
	out, err := a.client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key})
	if err != nil {
		return err
	}
	return checkBar(out.KeyMetadata.KeyState == state, "a key is %s, not %s", out.KeyMetadata.KeyState, state)
}

// finish checks all acknowledged writes in a new process, and verifies the data folder.
func (a *diskAttack) finish(ctx context.Context) (string, error) {
	resident, err := a.checkRSS()
	if err != nil {
		return resident, err
	}
	a.stop()
	if err := a.start(); err != nil {
		return "", err
	}
	a.client = a.server.client(a.root, 1)
	lost := 0
	for _, id := range a.acknowledged {
		if a.isNow(ctx, &id, types.KeyStateEnabled) != nil {
			lost++
		}
	}
	size := a.size()
	a.stop()
	sound, err := exec.CommandContext(ctx, a.l.program, "verify", "--data", a.data, "--root-key-file",
		a.l.file("root-key")).CombinedOutput()
	figure := fmt.Sprintf("%d fills, process running, %d acknowledged writes, %d lost, all requests served again after "+
		"at most %.1f s, %d MiB of data, %s",
		diskFills, len(a.acknowledged), lost, a.back.Seconds(), size>>20, resident)
	return figure, errors.Join(
		checkBar(err == nil, "keyhold verify: %s", sound),
		checkBar(lost == 0 && len(a.acknowledged) > 0, "%d of %d acknowledged writes are lost", lost, len(a.acknowledged)),
		checkBar(a.back <= diskBack, "requests were refused for %v after there was space", a.back))
}
