package crypt

import "crypto/rand"

// Random returns n random bytes, such as a data key.
func Random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}
