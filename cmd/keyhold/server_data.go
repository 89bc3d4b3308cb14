package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/local"
)

// madeByDev reports whether keyhold dev made the data folder.
func madeByDev(data string) bool {
	_, err := os.Stat(devRootKey(data))
	return err == nil && host.HasDatabase(data)
}

// explainOpen adds the remedy to an error from opening a data folder.
func explainOpen(err error, data string, root custody.Spec) error {
	switch {
	case errors.Is(err, store.ErrInUse):
		return fmt.Errorf(
			"the data folder %s is in use by another process: stop that process, or give another folder with --data", data)
	case errors.Is(err, records.ErrUnfinishedCopy):
		return fmt.Errorf("%s: %w: run the same keyhold store copy again to continue, or use the store that was copied",
			data, err)
	case errors.Is(err, seal.ErrWrongRoot):
		return fmt.Errorf(
			"the root key in %s does not open the data in %s: %w; give %s that the folder was made with; if "+
				"this is the right one, the keyring in keyhold.db is corrupt: restore the folder from a backup",
			rootName(root), data, err, rootNoun(root, "the root key file", "the custody"))
	case errors.Is(err, os.ErrNotExist) && root == custody.KeyFile(devRootKey(data)):
		return fmt.Errorf(
			"%w; restore the root.key that the folder was made with. If keyhold init made the folder, use keyhold serve, "+
				"or give another folder with --data", err)
	case (errors.Is(err, os.ErrNotExist) || errors.Is(err, records.ErrNotInitialised)) && madeByDev(data):
		return fmt.Errorf(
			"%s is the data folder of a dev server: use keyhold dev, or make another folder with keyhold init --data DIR", data)
	case errors.Is(err, records.ErrNotInitialised) && host.IsNodeFolder(data):
		return fmt.Errorf("%s is the folder of a node: name the shared store with --store", data)
	case errors.Is(err, os.ErrNotExist) && root.Kind == custody.KeyFileKind:
		return fmt.Errorf("%w; give the root key file that the folder was made with", err)
	case errors.Is(err, records.ErrNotInitialised):
		return fmt.Errorf("%w: make one with keyhold init --data %s%s",
			err, guarded.Shell(data), rootFlag(root))
	case errors.Is(err, audit.ErrUnreadable), errors.Is(err, journal.ErrNoRevision):
		return fmt.Errorf(
			"%w; Keyhold cannot check whether the store is older than its log: keyhold verify --data %s%s "+
				"shows the damage. Restore the newest sound backup of the whole folder %s. If you are certain that the store "+
				"is current, move %s away first",
			err, guarded.Shell(data), rootFlag(root), data, filepath.Join(data, host.AuditName))
	case errors.Is(err, records.ErrNewerFormat), errors.Is(err, local.ErrFormat):
		return fmt.Errorf("%s: %w. Run that version; this version has changed nothing", data, err)
	case errors.Is(err, space.ErrFull):
		return fmt.Errorf("%w; free or add space on the volume of %s, and start again", err, data)
	case errors.Is(err, journal.ErrOlderStore):
		return fmt.Errorf(
			"%w; it was restored from an older backup. Restore the newest backup of the whole folder %s. To continue with "+
				"the older state, move %s away first: all later changes are lost", err, data, filepath.Join(data, host.AuditName))
	}
	return err
}
