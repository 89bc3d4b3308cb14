package bounded

import (
	"sync"
	"testing"
)

func TestCacheKeepsTheFirstValue(t *testing.T) {
	c := New[string, int](10, 100)
	if _, ok := c.Get("a"); ok {
		t.Error("an empty cache has a value")
	}
	if got := c.Add("a", 1, 5); got != 1 {
		t.Errorf("added 1, got %d", got)
	}
	if got := c.Add("a", 2, 7); got != 1 {
		t.Errorf("a second value took the place of the first: %d", got)
	}
	if got, ok := c.Get("a"); got != 1 || !ok {
		t.Errorf("got %d, %v", got, ok)
	}
	if values, bytes := c.Size(); values != 1 || bytes != 5 {
		t.Errorf("%d values of %d bytes", values, bytes)
	}
}

func TestCacheIsBounded(t *testing.T) {
	for _, test := range []struct{ most, mostBytes, bytes, values int }{
		{10, 1000, 1, 10}, // by number
		{1000, 100, 10, 10},
		{10, 100, 10, 10},
	} {
		c := New[int, int](test.most, test.mostBytes)
		for i := range 1000 {
			c.Add(i, i, test.bytes)
			if got, ok := c.Get(i); got != i || !ok {
				t.Fatalf("%+v: the value %d was dropped for itself", test, i)
			}
			kept := 0
			for j := range i + 1 {
				if got, ok := c.Get(j); ok {
					kept++
					if got != j {
						t.Fatalf("%+v: %d has the value %d", test, j, got)
					}
				}
			}
			want := min(i+1, test.values)
			if values, bytes := c.Size(); values != want || kept != want || bytes != want*test.bytes {
				t.Fatalf("%+v: %d values, %d found, %d bytes, want %d values", test, values, kept, bytes, want)
			}
		}
	}
}

// A large value drops many others. It is kept even if it exceeds the limit by itself; then the
// next value drops it.
func TestCacheMakesRoomForALargeValue(t *testing.T) {
	c := New[int, int](100, 100)
	for i := range 100 {
		c.Add(i, i, 1)
	}
	c.Add(100, 100, 60)
	if values, bytes := c.Size(); values != 41 || bytes != 100 {
		t.Errorf("%d values of %d bytes", values, bytes)
	}
	c.Add(101, 101, 200)
	if values, bytes := c.Size(); values != 1 || bytes != 200 {
		t.Errorf("%d values of %d bytes", values, bytes)
	}
	c.Add(102, 102, 1)
	if values, bytes := c.Size(); values != 1 || bytes != 1 {
		t.Errorf("%d values of %d bytes", values, bytes)
	}
}

func TestCacheUnderLoad(t *testing.T) {
	c := New[int, int](16, 1000)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 2000 {
				if got := c.Add(i%64, i%64, 1); got != i%64 {
					t.Errorf("%d: key %d has the value %d", g, i%64, got)
					return
				}
				c.Get(i % 7)
			}
		})
	}
	all.Wait()
	if values, bytes := c.Size(); values != 16 || bytes != 16 {
		t.Errorf("%d values of %d bytes", values, bytes)
	}
}
