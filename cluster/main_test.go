// Package cluster tests the Backends on etcd and on PostgreSQL with real servers. It is a module of its own, so that
// the modules of the server of etcd stay out of go.mod of Keyhold.
package cluster

import (
	"os"
	"testing"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"go.etcd.io/etcd/server/v3/storage/wal"
)

// asServer, if set, makes the test binary a server of etcd.
const asServer = "KEYHOLD_TEST_ETCD"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		wal.SegmentSizeBytes = 4 << 20 // of 64 MiB, so that a test can fill segments
		etcdmain.Main(os.Args)
		return
	}
	folder, err := os.MkdirTemp("", "cluster-programs")
	if err != nil {
		panic(err)
	}
	programs.folder = folder
	os.Setenv("STORE_PASSWORD", "hunter2") // of TestPassword, which runs at the same time as other tests
	os.Setenv("WRONG_PASSWORD", "wrong")
	code := m.Run()
	for _, folder := range append(programs.remove, folder) {
		os.RemoveAll(folder)
	}
	os.Exit(code)
}
