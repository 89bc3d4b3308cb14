//go:build !linux

package keyfile

import "testing"

// checkHint needs a terminal, which the tests open on Linux alone.
func (w workshop) checkHint(t *testing.T, row format, n *NotRead, content []byte) {}
