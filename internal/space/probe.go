package space

import (
	"errors"
	"os"
)

// probeSize is the size in bytes of the file that Probe writes: a block of most file systems.
const probeSize = 4 << 10

// Probe returns an error if a small file cannot be written to a folder. If the volume has no space for the file, Lacks
// reports true for the error. Probe removes the file, and waits for no sync.
func Probe(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, probeSize))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}
