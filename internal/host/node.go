package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// NodeName is the name of the file in the folder of a node that has the ID of the node.
const NodeName = "node-id"

// BeatName is the name of the file in the folder of a node that has the number of its last heartbeat.
const BeatName = "heartbeat"

// ErrOtherFolder means that a folder is not the folder of a node.
var ErrOtherFolder = errors.New("this is not the folder of a node")

// OpenNode opens a store that several nodes share, the root key with openRoot, and the folder of this node, which has
// its ID, its last heartbeat and its audit log. It creates the folder if only its last element is missing. It calls
// fail as InMemory does. The caller must close the Deployment, even after an error.
func OpenNode(
	ctx context.Context, url, data string, openRoot func() (seal.Root, error), log *slog.Logger, fail func(error),
) (d Deployment, err error) {
	d.fail = fail
	if err := checkNodeFolder(data); err != nil {
		return d, err
	}
	if d.Root, err = openRoot(); err != nil {
		return d, err
	}
	if d.node, d.lock, err = openNodeID(filepath.Join(data, NodeName)); err != nil {
		return d, err
	}
	if d.beats, err = openBeats(filepath.Join(data, BeatName)); err != nil {
		return d, err
	}
	if d.audit, err = audit.Open(filepath.Join(data, AuditName), audit.Options{Failed: fail}); err != nil {
		return d, err
	}
	s, err := openShared(ctx, url, opener{node: d.node, seen: d.audit.Revision(), log: log})
	d.Backend, d.slots = s.Backend, s.Slots
	return d, err
}

// IsNodeFolder reports whether a folder has the ID of a node.
func IsNodeFolder(data string) bool {
	_, err := os.Stat(filepath.Join(data, NodeName))
	return err == nil
}

// checkNodeFolder refuses a folder that others may change, or that has the store or the log of something else.
func checkNodeFolder(data string) error {
	if err := os.Mkdir(data, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("data folder: %w", err)
	}
	if err := guarded.CheckFolder(data, filepath.Join(data, NodeName), filepath.Join(data, BeatName),
		filepath.Join(data, AuditName)); err != nil {
		return err
	}
	log, err := os.Stat(filepath.Join(data, AuditName))
	switch {
	case HasDatabase(data):
		return fmt.Errorf("%w: %s has a database of its own", ErrOtherFolder, data)
	case err == nil && log.Size() > 0 && !IsNodeFolder(data):
		return fmt.Errorf("%w: %s has an audit log, and no file %s", ErrOtherFolder, data, NodeName)
	}
	return nil
}

// openNodeID returns the ID of a node, and its file, which no other process has open. A new node gets an ID.
func openNodeID(path string) (id string, f *os.File, err error) {
	err = durable.CreateFile(path, []byte(records.NewNodeID()+"\n"))
	if err != nil && !errors.Is(err, os.ErrExist) {
		return "", nil, fmt.Errorf("data folder: %w", err)
	}
	if f, err = os.Open(path); err != nil {
		return "", nil, fmt.Errorf("data folder: %w", err)
	}
	// On systems without locks, the fence of the node stops the older of two processes.
	if err := durable.Lock(f); err != nil {
		if errors.Is(err, durable.ErrInUse) {
			err = store.ErrInUse
		}
		return "", f, fmt.Errorf("%w: %s", err, path)
	}
	id, err = readNodeID(path)
	return id, f, err
}

// NodeID returns the ID of the node that has a folder.
func NodeID(data string) (string, error) { return readNodeID(filepath.Join(data, NodeName)) }

func readNodeID(path string) (id string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	id = strings.TrimSuffix(string(text), "\n")
	if !records.ValidNodeID(id) {
		return "", fmt.Errorf("%s does not have the ID of a node: restore the file, or give an empty folder to make "+
			"another node", path)
	}
	return id, nil
}
