package service

import (
	"testing"
	"unsafe"
)

// Every request allocates a call. Go's allocator has a class of 2,048 bytes, and the next class has 2,304.
func TestSizeOfACall(t *testing.T) {
	if size := unsafe.Sizeof(call{}); size > 2048 {
		t.Errorf("a call has %d bytes", size)
	}
}
