package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// packageUser is the user that the Debian package makes for the server.
const packageUser = "keyhold"

// chooseUser chooses the user of the Debian package if root runs the command and the user exists.
func (o *setupOptions) chooseUser() error {
	if os.Geteuid() != 0 {
		if o.user != "" {
			return usageError{errors.New("--user: only root can give files to a user: run the command as root, or as this user")}
		}
		return nil
	}
	if o.user != "" {
		_, _, err := userIDs(o.user)
		return err
	}
	if _, err := user.Lookup(packageUser); err == nil {
		o.user = packageUser
	}
	return nil
}

// userIDs returns the IDs of a user and of its group.
func userIDs(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, usageError{fmt.Errorf("--user: this machine has no user %q", name)}
	}
	uid, err = strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	return uid, gid, errors.Join(err, err2)
}

// giveToUser gives the user of the server the data, which the server changes, and lets its group read the secrets,
// which stay with root.
func (o *setupOptions) giveToUser() error {
	if o.user == "" {
		return nil
	}
	uid, gid, err := userIDs(o.user)
	if err != nil {
		return err
	}
	secrets := []string{o.root}
	if o.makeCert {
		secrets = append(secrets, o.key)
	}
	for _, file := range secrets {
		if err := letGroupRead(file, gid); err != nil {
			return err
		}
	}
	return giveFolder(o.data, uid, gid)
}

// letGroupRead lets a group read a file of root. A link is refused.
func letGroupRead(path string, gid int) error {
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	name := filepath.Base(path)
	info, err := folder.Lstat(name)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a file: remove it, or give another name", path)
	}
	return errors.Join(folder.Lchown(name, 0, gid), folder.Chmod(name, 0o640))
}

// giveFolder gives a user a folder and all files in it. It follows no link that leads out of the folder, because the
// folder may belong to the user already, and root runs the command.
func giveFolder(path string, uid, gid int) error {
	folder, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	return fs.WalkDir(folder.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return folder.Lchown(name, uid, gid)
	})
}
