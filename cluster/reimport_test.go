package cluster

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// A use of a key whose material is deleted and imported again meanwhile is answered by one of these states. No node
// reports that the slot of the material is missing.
func TestUseWhileReimported(t *testing.T) {
	inFullOnly(t)
	t.Parallel()
	s := startPostgres(t)
	e := &chaosEngine{addresses: []string{s.address}, url: func(int) string { return s.url("reimported") }}
	r := newRound(t, e, buildProgram(t, "-tags", "clockfault"), 1)
	k := &reimportedKey{}
	if _, err := k.prepare(t.Context(), r.clients[0], ""); err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(25 * time.Second)
	var all sync.WaitGroup
	for c := range 6 {
		all.Go(func() {
			for i := 0; time.Now().Before(end); i++ {
				operation := "Encrypt"
				if c == 0 {
					operation = strings.Fields(k.cycle())[i%2]
				}
				k.send(t.Context(), r.clients[(c+i)%len(r.clients)], request{operation: operation})
			}
		})
	}
	all.Wait()
	for _, n := range r.nodes {
		text, err := os.ReadFile(n.path(".log"))
		if err != nil || strings.Contains(string(text), "no such slot") {
			t.Errorf("%s: %v\n%s", n.name, err, n.logTail())
		}
	}
}
