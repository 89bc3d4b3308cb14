package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/nodes"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

func TestPlaceFlags(t *testing.T) {
	const url = "etcd://127.0.0.1:2379/p"
	for _, test := range []struct{ args, want, wrong string }{
		{"--data d", "| d | d.root-key", ""},
		{"--store d", "| d | d.root-key", ""},
		{"--store d/ --data d", "| d/ | d.root-key", ""},
		{"--data d --root-key-file r", "| d | r", ""},
		{"--store " + url + " --data d", url + " | d | d.root-key", ""},
		{"--store " + url + " --data d --root-key-file r", url + " | d | r", ""},
		{"--data d --custody key-file:r", "| d | r", ""},
		{"--data d --custody key-file:credential:root", "| d | credential:root", ""},
		{"--data d --custody passphrase:prompt", "| d | passphrase:prompt", ""},
		{"--data d --custody passphrase:prompt --root-key-file r", "", "give one of them"},
		{"--data d --custody passphrase", "", "names no custody: give key-file:PATH"},
		{"--data d --custody passphrase:", "", "names no custody"},
		{"--data d --custody r", "", "names no custody"},
		{"", "", "needs --data DIR"},
		{"--store " + url, "", "needs --data DIR"},
		{"--store d --data e", "", "give --store or --data"},
	} {
		var p place
		c := &cobra.Command{Use: "test", RunE: func(*cobra.Command, []string) error { return nil }}
		p.flags(c)
		c.SetArgs(strings.Fields(test.args))
		c.SilenceErrors, c.SilenceUsage = true, true
		err := c.Execute()
		if test.wrong != "" {
			if _, usage := errors.AsType[usageError](err); !usage || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%s: %v", test.args, err)
			}
			continue
		}
		if got := strings.TrimSpace(fmt.Sprintf("%s | %s | %s", p.store, p.data, rootName(p.root))); err != nil || got != test.want {
			t.Errorf("%s: %s, %v", test.args, got, err)
		}
	}
}

// Each error of a shared store has a remedy that fits it.
func TestPlaceRemedies(t *testing.T) {
	p := place{store: "etcd://h:1/p", data: "d", rootOptions: rootOptions{root: custody.KeyFile("no-such-file")}}
	for err, remedy := range map[error]string{
		store.ErrInUse:            "each node needs a folder of its own",
		host.ErrOtherFolder:       "give an empty or missing folder with --data",
		records.ErrUnfinishedCopy: "run the same keyhold store copy again",
		seal.ErrWrongRoot:         "give a copy of the root key file",
		os.ErrNotExist:            "give a copy of the root key file",
		records.ErrNotInitialised: "init --store etcd://h:1/p --data d --root-key-file no-such-file",
		journal.ErrNoRevision:     "with a new log, move d away",
		journal.ErrOlderStore:     "restored from an older copy",
		store.ErrRewound:          "move d away first",
		nodes.ErrRewound:          "move d away first",
		records.ErrNewerFormat:    "Run that version",
	} {
		if got := p.explain(fmt.Errorf("wrapped: %w", err)).Error(); !strings.Contains(got, remedy) || !strings.Contains(got, err.Error()) && err != store.ErrInUse {
			t.Errorf("%v: %s", err, got)
		}
	}
	if other := errors.New("other"); p.explain(other) != other {
		t.Error("another error is changed")
	}
}
