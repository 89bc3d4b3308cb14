package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/backup"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/recipients"
)

// A Backup is the answer of the operation Backup: it is made while it is sent. Its event was written before its first
// byte. The trailer of a backup is its acknowledgement, so a part of a backup is never taken for a whole one.
type Backup struct{ *backup.Stream }

// Start begins the backup.
func (b *Backup) Start() error {
	if b.Stream.Start() != nil {
		return errBackupBusy()
	}
	return nil
}

// backupAll makes a backup of the deployment, one at a time. It is not part of the KMS API.
var backupAll = query("Backup", asks{{Action: "keyhold:Backup", May: mayInDeployment}}, checkBackup,
	func(c *call, in *api.BackupRequest) (*Backup, error) {
		if c.backups.Busy() {
			return nil, errBackupBusy()
		}
		to, err := recipientsOf(in)
		if err != nil {
			return nil, err
		}
		s, err := c.backups.Prepare(backup.Options{
			Recipients: to, WithoutImported: or(in.WithoutImportedMaterial, false), Now: c.now,
		})
		if err != nil {
			return nil, key.Errorf(key.KindUnsupportedOperation, "Backup: %v.", err)
		}
		return &Backup{s}, nil
	})

func checkBackup(in *api.BackupRequest, _ time.Time) error {
	_, err := recipientsOf(in)
	return err
}

func recipientsOf(in *api.BackupRequest) (all []recipients.Recipient, err error) {
	for i, text := range in.Recipients {
		r, err := recipients.Parse(text)
		if err != nil {
			return nil, key.Errorf(key.KindValidation, "Recipient %d of the request cannot be used: %v.", i+1, err)
		}
		if all = append(all, r); r.Approved() != all[0].Approved() {
			return nil, key.Errorf(key.KindValidation,
				"Recipients of HPKE and recipients of age or keys of SSH cannot open one backup: give recipients of one form.")
		}
	}
	return all, nil
}

func errBackupBusy() error {
	return key.Errorf(key.KindLimitExceeded, "The server makes another backup: wait for its end.")
}
