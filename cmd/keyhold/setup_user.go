package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
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

// letGroupRead lets a group read a file of root. It refuses a link, and a file that has a second name.
func letGroupRead(path string, gid int) error {
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return changeAlone(folder, filepath.Base(path), func(f *os.File) error {
		return errors.Join(f.Chown(0, gid), f.Chmod(0o640))
	})
}

// changeAlone opens a file in a folder, and calls change unless the name is a link or the file has a second name. Root
// runs the command, and another user can have placed a symbolic or hard link to a file of root there. changeAlone
// checks the open file, so that nobody can exchange the file between the check and the change.
func changeAlone(folder *os.Root, name string, change func(*os.File) error) error {
	path := filepath.Join(folder.Name(), name)
	info, err := folder.Lstat(name)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a file: remove it, or give another name", path)
	}
	f, err := folder.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a named pipe must not delay root
	if err != nil {
		return err
	}
	defer f.Close()
	opened, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !os.SameFile(info, opened):
		return fmt.Errorf("%s was replaced while the command ran: run the command again", path)
	case hasSecondName(opened):
		return fmt.Errorf("%s has a second name, a hard link: copy the file, and replace it with the copy", path)
	}
	return change(f)
}

// giveFolder gives a user a folder and all files in it. It follows no link and gives away no file with a second name,
// because the folder may belong to the user already, and root runs the command. It leaves files of the user as they
// are: a server that was killed can leave a second name of its audit log.
func giveFolder(path string, uid, gid int) error {
	folder, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	return fs.WalkDir(folder.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !entry.Type().IsRegular():
			return folder.Lchown(name, uid, gid)
		}
		info, err := entry.Info()
		if err != nil || belongsTo(info, uid, gid) {
			return err
		}
		return changeAlone(folder, name, func(f *os.File) error { return f.Chown(uid, gid) })
	})
}
