package policy

import (
	"runtime"
	"testing"
)

// Size returns the memory of a policy, within a third.
func TestSize(t *testing.T) {
	for name, text := range worst(t) {
		t.Run(name, func(t *testing.T) {
			kept := make([]*Policy, 20)
			before := heap()
			for i := range kept {
				kept[i] = mustParse(t, text, KeyPolicy)
			}
			took := int(heap()-before) / len(kept)
			said := kept[0].Size()
			t.Logf("Size is %d, the policy takes %d", said, took)
			if said < took*3/4 || said > took*3/2+1000 {
				t.Errorf("Size is %d, the policy takes %d", said, took)
			}
			runtime.KeepAlive(kept)
		})
	}
}

// heap returns the number of bytes in live objects.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
