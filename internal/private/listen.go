package private

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// unixScheme begins the address of a Unix socket.
const unixScheme = "unix:"

// ErrPublic means that an address is not on the loopback interface.
var ErrPublic = errors.New("the address is not on the loopback interface")

// Check returns ErrPublic for an address that other machines can reach, and another error for an address that is not
// valid.
func Check(address string) error {
	if path, ok := strings.CutPrefix(address, unixScheme); ok {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("the path of a Unix socket must be absolute: unix:/run/keyhold/private.sock, not %q", address)
		}
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("write it as 127.0.0.1:4600 or unix:PATH: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return ErrPublic
	}
	return nil
}

// Listen listens at an address. Only the user of the process can connect to a Unix socket. The socket of a process that
// ended without removing it is replaced.
func Listen(address string) (net.Listener, error) {
	path, ok := strings.CutPrefix(address, unixScheme)
	if !ok {
		return net.Listen("tcp", address)
	}
	if err := removeSocket(path); err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{Control: closeToOthers}).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil { // for systems other than Linux
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// removeSocket removes a socket at which nobody listens.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is not a socket: give another path", path)
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return fmt.Errorf("another process listens at %s", path)
	}
	return os.Remove(path)
}
