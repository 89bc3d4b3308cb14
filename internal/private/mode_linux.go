package private

import (
	"errors"
	"syscall"
)

// closeToOthers gives a socket the mode 0600 before the socket gets its path: on Linux, the file of a socket has the
// mode of the socket (unix(7)). A change of the mode of the file alone would come after the moment at which others can
// connect.
func closeToOthers(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) { failed = syscall.Fchmod(int(fd), 0o600) })
	return errors.Join(err, failed)
}
