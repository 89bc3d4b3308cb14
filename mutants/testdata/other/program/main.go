// Command program calls the package that command mutants changes.
package main

import (
	"os"

	"github.com/keyhold/keyhold/mutants/testdata/noticed"
)

func main() {
	if noticed.Twice(4) != 8 {
		os.Exit(1)
	}
}
