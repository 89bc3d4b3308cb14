package main

import (
	"os"
	"runtime"
	"testing"
)

func TestProcessorsForComputations(t *testing.T) {
	own := runtime.GOMAXPROCS(0)
	p := new(processors)
	defer p.giveBack()
	want := func(when string, n int) {
		t.Helper()
		if got := runtime.GOMAXPROCS(0); got != n {
			t.Errorf("%s: %d processors, want %d", when, got, n)
		}
	}
	p.computing(1)
	want("with one computation", own+1)
	p.computing(1)
	want("with two computations", own+2)
	p.computing(-1)
	p.giveBack()
	want("before the last one ended", own+2)
	p.computing(-1)
	p.computing(1)
	p.giveBack()
	want("after another one began", own+2)
	p.computing(-1)
	t.Setenv("GOMAXPROCS", "as it was")
	p.giveBack()
	want("afterwards", own)
}

// Without GOMAXPROCS in the environment, giveBack restores the default of Go, whatever the limits of
// the container are by then.
func TestProcessorsOfTheContainer(t *testing.T) {
	if os.Getenv("GOMAXPROCS") != "" {
		t.Skip("GOMAXPROCS is set")
	}
	own := runtime.GOMAXPROCS(0)
	p := new(processors)
	p.computing(1)
	p.own = own + 5
	p.computing(-1)
	p.giveBack()
	if got := runtime.GOMAXPROCS(0); got != own {
		t.Errorf("%d processors in the end, want %d", got, own)
	}
}
