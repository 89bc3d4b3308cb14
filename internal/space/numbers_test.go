package space

import (
	"testing"
	"time"
)

// The keeper looks at the disk ten times a second. A disk has space again after two seconds with space.
func TestNumbers(t *testing.T) {
	if lookEvery != 100*time.Millisecond || dwell != 2*time.Second {
		t.Errorf("it looks every %v, and waits %v", lookEvery, dwell)
	}
}
