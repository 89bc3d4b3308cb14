package store

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

type tagged struct {
	Name    string
	Tags    []struct{ Key, Value string }
	Pairs   map[string]string
	Lists   [][]string
	Bytes   []byte
	Numbers []int64
	At      time.Time
	Other   *tagged
	Any     any
}

// The footprint of a record is close to the memory that it takes.
func TestFootprint(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat(`{"Key":"a","Value":""},`, 300), ",")
	var pairs, short []string
	for i := range 3000 {
		pairs = append(pairs, fmt.Sprintf(`"%d":""`, i))
		short = append(short, `["a"]`)
	}
	for name, text := range map[string]string{
		"little": `{"Name":"x"}`, "a name": `{"Name":"` + strings.Repeat("x", 5000) + `"}`,
		"tags": `{"Tags":[` + many + `]}`, "pairs": `{"Pairs":{` + strings.Join(pairs, ",") + `}}`,
		"lists": `{"Lists":[` + strings.Join(short, ",") + `]}`, "bytes": `{"Bytes":"` + strings.Repeat("AAAA", 4000) + `"}`,
		"numbers": `{"Numbers":[` + strings.Repeat("1,", 4000) + `1]}`, "another": `{"Other":{"Tags":[` + many + `]}}`,
		"anything": `{"Any":[{` + strings.Join(pairs, ",") + `}]}`, "a time": `{"At":"2026-01-31T12:00:00Z","Name":"` + strings.Repeat("x", 500) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			kept := make([]any, max(100, 200_000/len(text))) // so many that the runtime's own memory does not count
			before := inUse()
			for i := range kept {
				var v tagged
				if err := json.Unmarshal([]byte(text), &v); err != nil {
					t.Fatal(err)
				}
				kept[i] = v
			}
			took, said := int(inUse()-before)/len(kept), footprint(kept[0])
			t.Logf("footprint %d, takes %d, encoded %d", said, took, len(text))
			if said < took*4/5 || said > 2*took+500 {
				t.Errorf("footprint %d, takes %d", said, took)
			}
			runtime.KeepAlive(kept)
		})
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkFootprint(b *testing.B) {
	var v tagged
	b.ReportAllocs()
	for b.Loop() {
		footprint(v)
	}
}
