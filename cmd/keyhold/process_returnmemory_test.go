package main

import "testing"

func TestMayReturn(t *testing.T) {
	for _, c := range []struct {
		name        string
		before, now usage
		returned    uint64
		want        bool
	}{
		{"idle after an attack", usage{7, 2 * enough}, usage{7, 2 * enough}, 3, true},
		{"busy", usage{6, 2 * enough}, usage{7, 2 * enough}, 3, false},
		{"returned already", usage{7, 2 * enough}, usage{7, 2 * enough}, 7, false},
		{"little to return", usage{7, enough}, usage{7, enough}, 3, false},
	} {
		if got := mayReturn(c.before, c.now, c.returned); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if u := readUsage(); u.resident < 1<<20 || u.resident > 1<<40 {
		t.Errorf("%d bytes are resident", u.resident)
	}
}
