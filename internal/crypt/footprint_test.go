package crypt

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// The footprints of key specs, in KiB.
const footprints = `
SYMMETRIC_DEFAULT     1
HMAC_224              1
HMAC_512              1
RSA_2048              8
ECC_NIST_P256         2
ECC_NIST_P521         2
ECC_SECG_P256K1       1
ECC_NIST_EDWARDS25519 1
ML_DSA_44             200
ML_DSA_87             200
ML_KEM_512            16
ML_KEM_1024           16
`

func TestNumbersOfFootprints(t *testing.T) {
	for line := range strings.Lines(strings.TrimSpace(footprints)) {
		var spec string
		var want int
		if _, err := fmt.Sscan(line, &spec, &want); err != nil {
			t.Fatal(err)
		}
		material, err := Generate(spec)
		if err != nil {
			t.Fatal(err)
		}
		k, err := Open(spec, material)
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Footprint(); got != want<<10 {
			t.Errorf("%s: %d bytes, want %d KiB", spec, got, want)
		}
	}
}

// Keys of all families take about as much memory as Footprint returns, or less.
func TestFootprints(t *testing.T) {
	for spec := range strings.FieldsSeq("SYMMETRIC_DEFAULT HMAC_224 HMAC_512 RSA_2048 ECC_NIST_P256 ECC_NIST_P521 ECC_SECG_P256K1 ECC_NIST_EDWARDS25519 ML_DSA_44 ML_DSA_87 ML_KEM_512 ML_KEM_1024") {
		t.Run(spec, func(t *testing.T) {
			material, err := Generate(spec)
			if err != nil {
				t.Fatal(err)
			}
			kept := make([]Key, 30)
			before := inUse()
			for i := range kept {
				if kept[i], err = Open(spec, material); err != nil {
					t.Fatal(err)
				}
			}
			took, said := int(inUse()-before)/len(kept), kept[0].Footprint()
			t.Logf("footprint %d, takes %d", said, took)
			if took > said*5/4 {
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
