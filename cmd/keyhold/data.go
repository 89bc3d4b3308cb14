package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/local"
)

// madeByDev reports whether keyhold dev made a data folder.
func madeByDev(data string) bool {
	_, err := os.Stat(devRootKey(data))
	return err == nil && host.HasDatabase(data)
}

// explainOpen adds the remedy to an error of opening a data folder.
// explainOpen adds the remedy to what can go wrong with a data folder.
func explainOpen(err error, data, rootKeyFile string) error {
	switch {
	case errors.Is(err, store.ErrInUse):
		return fmt.Errorf("the data folder %s is in use by another process: stop it first, or give another folder with --data", data)
	case errors.Is(err, seal.ErrWrongRoot):
		return fmt.Errorf("%s does not open the data in %s: %w; give the key file that the folder was made with; if it is that one, the keyring in keyhold.db is corrupt: put the folder back from a copy", rootKeyFile, data, err)
	case errors.Is(err, os.ErrNotExist) && rootKeyFile == devRootKey(data):
		return fmt.Errorf("%w; put back the root.key that the folder was made with. If keyhold init made the folder, use keyhold serve, or give another folder with --data", err)
	case (errors.Is(err, os.ErrNotExist) || errors.Is(err, records.ErrNotInitialised)) && madeByDev(data):
		return fmt.Errorf("%s is the data folder of a dev server: use keyhold dev, or make another folder with keyhold init --data DIR", data)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w; give the key file that the folder was made with", err)
	case errors.Is(err, records.ErrNotInitialised):
		return fmt.Errorf("%w: make one with keyhold init --data %s", err, data)
	case errors.Is(err, audit.ErrUnreadable), errors.Is(err, journal.ErrNoRevision):
		return fmt.Errorf("%w; whether the store is older than its log cannot be told: keyhold verify shows what is damaged. Put back the newest sound copy of all of %s. If you are certain that the store is current, move %s away first", err, data, filepath.Join(data, host.AuditName))
	case errors.Is(err, records.ErrNewerFormat), errors.Is(err, local.ErrFormat):
		return fmt.Errorf("%s: %w. Run that version; this one has changed nothing", data, err)
	case errors.Is(err, space.ErrFull):
		return fmt.Errorf("%w; free or add space on the volume of %s, and start again", err, data)
	case errors.Is(err, journal.ErrOlderStore):
		return fmt.Errorf("%w; it was put back from an older copy. Put back the newest copy of all of %s. If the older state is what you want, move %s away first: changes made after it are lost", err, data, filepath.Join(data, host.AuditName))
	}
	return err
}
