package audit

import (
	"path/filepath"
	"testing"
)

func BenchmarkLine(b *testing.B) {
	e := sample()
	b.ReportAllocs()
	for b.Loop() {
		mustLine(b, e)
	}
}

func BenchmarkWrite(b *testing.B) {
	for name, always := range map[string]bool{"batched": false, "always": true} {
		b.Run(name, func(b *testing.B) {
			l, err := Open(filepath.Join(b.TempDir(), "audit.log"), Options{Always: always})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			e := sample()
			b.SetParallelism(8)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := l.Write(b.Context(), e); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
