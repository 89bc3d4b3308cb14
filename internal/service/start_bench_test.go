package service

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/programtest"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/local"
)

// BenchmarkStart starts the program on data folders of 10 and of 1,000,000 keys with material,
// and reports the time until it answers and its memory then. KEYHOLD_KEYS replaces the million.
func BenchmarkStart(b *testing.B) {
	million := 1_000_000
	if s := os.Getenv("KEYHOLD_KEYS"); s != "" {
		million, _ = strconv.Atoi(s)
	}
	program := programtest.Build(b, "../..", "./cmd/keyhold")
	for _, n := range []int{10, million} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			data := filepath.Join(b.TempDir(), "data")
			fillFolder(b, program, data, n)
			b.ResetTimer()
			for b.Loop() {
				ready, rss := startOn(b, program, data)
				b.ReportMetric(ready.Seconds()*1000, "ms-to-ready")
				b.ReportMetric(rss, "MiB-resident")
			}
		})
	}
}

// startOn starts the program, waits for its banner and ends it.
func startOn(b *testing.B, program, data string) (ready time.Duration, mib float64) {
	b.Helper()
	begin := time.Now()
	s, err := programtest.Start(b.Context(), exec.Command(program, "serve", "--data", data, "--addr", "127.0.0.1:0"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.End(os.Interrupt)
	ready = time.Since(begin)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Pid()))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		var kib float64
		if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kib); err == nil {
			mib = kib / 1024
		}
	}
	return ready, mib
}

// fillFolder makes a deployment with n keys, each with material in a slot, directly in the store.
func fillFolder(b *testing.B, program, data string, n int) {
	b.Helper()
	if out, err := exec.Command(program, "init", "--data", data).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	root, err := custody.KeyFile(data + ".root-key").Open(nil)
	check(b, err)
	backend, err := local.Open(data, local.Options{})
	check(b, err)
	slots, err := local.OpenSlots(data, nil)
	check(b, err)
	log := audit.New(audit.Discard{}, audit.Options{})
	s, err := Open(context.Background(), Config{
		Backend: backend, Slots: slots, Root: root, Audit: log, Clock: NewClock(time.Now), Log: slog.New(slog.DiscardHandler),
	})
	check(b, err)
	var wg sync.WaitGroup
	const workers, batch = 64, 50
	next := make(chan int)
	for range workers {
		wg.Go(func() {
			for size := range next {
				check(b, s.addKeys(size))
			}
		})
	}
	for n > 0 {
		next <- min(n, batch)
		n -= batch
	}
	close(next)
	wg.Wait()
	for _, c := range []func() error{log.Close, s.Close, slots.Close, backend.Close} {
		check(b, c())
	}
}

// addKeys adds keys in one transaction.
func (s *Service) addKeys(n int) error {
	c := &call{Service: s, ctx: context.Background()}
	made := make([]key.Key, n)
	for i := range made {
		k := key.Key{
			ID: uuid.NewString(), Account: "000000000000", Region: "us-east-1", Spec: key.SymmetricDefault, Usage: key.EncryptDecrypt,
			Origin: key.OriginAWSKMS, State: key.Enabled, CreationDate: time.Now().UTC(), Policy: key.DefaultPolicy("000000000000"),
		}
		material := crypt.NewSymmetricMaterial()
		id, err := crypt.MaterialID(k.ID, material)
		if err != nil {
			return err
		}
		m, err := c.sealMaterial(k, id, material)
		if err != nil {
			return err
		}
		k.Materials = []key.Material{m}
		made[i] = k
	}
	return s.store.Update(c.ctx, func(tx *store.Tx) error {
		for _, k := range made {
			if err := records.InsertKey(tx, k, records.NewestLevel); err != nil {
				return err
			}
		}
		return nil
	})
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
