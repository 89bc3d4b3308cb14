package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestTmpOnce(t *testing.T) {
	f := initFolder(t, buildProgram(t), filepath.Join(t.TempDir(), "data"))
	s, err := f.serve(t)
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.call(t.Context(), "CreateKey", map[string]any{})
	id := a.member("KeyMetadata", "KeyId")
	audit := newFaultAudit(f.data)
	var ids []string
	a, _ = s.call(t.Context(), "DisableKey", map[string]any{"KeyId": id})
	ids = append(ids, a.id)
	a, _ = s.call(t.Context(), "EnableKey", map[string]any{"KeyId": id})
	ids = append(ids, a.id)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			a, err := s.call(t.Context(), "Encrypt", map[string]any{"KeyId": id, "Plaintext": []byte("x"), "EncryptionContext": map[string]string{"a": strings.Repeat("x", 60000), "b": fmt.Sprint(i)}})
			if err != nil || a.status != 200 {
				t.Log(a.status, string(a.body), err)
			}
		})
	}
	wg.Wait()
	s.end(syscall.SIGKILL)
	s, err = f.serve(t)
	if err != nil {
		t.Fatal(err)
	}
	s.call(t.Context(), "DescribeKey", map[string]any{"KeyId": id})
	if err := audit.readOn(); err != nil {
		t.Fatal(err)
	}
	t.Log(audit.read, audit.lines)
	if err := audit.once(ids); err != nil {
		t.Error(err)
	}
}
