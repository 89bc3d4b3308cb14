//go:build !linux

package keyfile

import "testing"

// checkHint does nothing, because the tests open a terminal only on Linux.
func (w workshop) checkHint(t *testing.T, row format, n *NotRead, content []byte) {}
