package seal

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A process opens values under a data key that another process has added, after it has read the keyring again. For
// values that anybody can present it reads the keyring at most once a second.
func TestKeyringIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := NewEphemeralRoot()
		open := func(kept []byte) *Keyring {
			r, err := OpenKeyring(t.Context(), root, kept)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		kept := wrap(t, root, [2]uint32{1, 1})
		both := open(wrap(t, root, [2]uint32{1, 1}, [2]uint32{2, 2}))
		fresh, foreign := mustSeal(t, both.Records(), "place", "fresh"), mustSeal(t, both.SessionTokens(), "place", "fresh")
		r, reads := open(kept), 0
		var fault error
		wantClosed(t, "without a reload", r.Records(), "place", fresh)
		r.OnUnknown(func() (*Keyring, error) {
			reads++
			if fault != nil {
				return nil, fault
			}
			return open(kept), nil
		})

		for range 100 {
			wantClosed(t, "under a data key that is nowhere", r.SessionTokens(), "place", foreign)
		}
		if reads != 1 {
			t.Errorf("read %d times for values that anybody can present", reads)
		}
		wantClosed(t, "under a data key that is nowhere", r.Records(), "place", fresh)
		if reads != 2 {
			t.Errorf("a record did not cause a reload: %d", reads)
		}

		fault = errors.New("cut off")
		if _, err := r.Records().Open([]byte("place"), fresh); !errors.Is(err, fault) {
			t.Errorf("the keyring cannot be read: %v", err)
		}
		time.Sleep(time.Second - 1)
		wantClosed(t, "before the end of the pause", r.SessionTokens(), "place", foreign)
		time.Sleep(1 * time.Nanosecond)
		if temporary, ok := errors.AsType[*ReloadError](second(r.SessionTokens().Open([]byte("place"), foreign))); !ok || !temporary.Temporary() {
			t.Error("the keyring cannot be read, and the value is called damaged")
		}

		fault, reads, kept = nil, 0, wrap(t, root, [2]uint32{1, 1}, [2]uint32{2, 2})
		sealer := r.Records()
		wantOpen(t, sealer, "place", fresh, "fresh")
		wantOpen(t, r.SessionTokens(), "place", foreign, "fresh")
		wantOpen(t, open(kept).Records(), "place", mustSeal(t, sealer, "place", "new"), "new")
		if header := mustSeal(t, sealer, "place", "new"); header[4] != 2 || reads != 1 {
			t.Errorf("sealed under data key %d, read %d times", header[4], reads)
		}
	})
}

// Only values that anybody can present, tokens, are limited to one reload a second.
func TestTokensAreForeign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := NewEphemeralRoot()
		kept := wrap(t, root, [2]uint32{1, 1})
		for name, test := range map[string]struct {
			sealer func(r *Keyring) Sealer
			reads  int
		}{
			"records":        {(*Keyring).Records, 3},
			"materials":      {(*Keyring).Materials, 3},
			"token keys":     {(*Keyring).TokenKeys, 3},
			"grant tokens":   {(*Keyring).GrantTokens, 1},
			"session tokens": {(*Keyring).SessionTokens, 1},
		} {
			r, err := OpenKeyring(t.Context(), root, kept)
			if err != nil {
				t.Fatal(err)
			}
			reads := 0
			r.OnUnknown(func() (*Keyring, error) {
				reads++
				return OpenKeyring(t.Context(), root, kept)
			})
			unknown := mustSeal(t, test.sealer(r), "place", "value")
			unknown[4] = 2 // the version of the data key
			for range 3 {
				wantClosed(t, name, test.sealer(r), "place", unknown)
			}
			if reads != test.reads {
				t.Errorf("%s: %d reloads, want %d", name, reads, test.reads)
			}
		}
	})
}

func second(_ []byte, err error) error { return err }
