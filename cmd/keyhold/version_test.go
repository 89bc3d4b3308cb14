package main

import (
	"runtime/debug"
	"testing"
)

// A person who reports a fault names the commit, whether it was changed, and Go.
func TestDescribeVersion(t *testing.T) {
	for _, test := range []struct {
		modified, want string
	}{
		{"false", "keyhold v1.2.3 go1.26.8\ncommit 0123abc of 2026-11-30T12:00:00Z\n"},
		{"true", "keyhold v1.2.3 go1.26.8\ncommit 0123abc of 2026-11-30T12:00:00Z, with changes\n"},
	} {
		info := &debug.BuildInfo{GoVersion: "go1.26.8", Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123abc"},
			{Key: "vcs.time", Value: "2026-11-30T12:00:00Z"},
			{Key: "vcs.modified", Value: test.modified},
		}}
		info.Main.Version = "v1.2.3"
		if got := describeVersion(info); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
		info.Settings = nil
		if got, want := describeVersion(info), "keyhold v1.2.3 go1.26.8\n"; got != want {
			t.Errorf("without a commit: %q, want %q", got, want)
		}
	}
}
