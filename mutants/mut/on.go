package mut

import (
	"os"
	"strconv"
	"syscall"
)

// Variable is the environment variable that a program reads when it starts. Its value is the number of the place to
// change, or the name of a file in which the program records the places that it reaches: byte n becomes 1 if the
// program reaches place n. Several processes can have one file.
const Variable = "MUTANT"

var chosen, reached = read(os.Getenv(Variable))

// On reports whether a place is changed.
func On(place int) bool {
	if place < len(reached) {
		reached[place] = 1
	}
	return place == chosen
}

// read returns the place that the value of Variable chooses, or the memory of the file that the value names.
func read(value string) (chosen int, reached []byte) {
	if value == "" {
		return 0, nil // no place has this number
	}
	if place, err := strconv.Atoi(value); err == nil {
		return place, nil
	}
	reached, err := share(value)
	if err != nil {
		panic(err)
	}
	return 0, reached
}

// share returns the content of a file as memory that all processes share.
func share(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return syscall.Mmap(int(f.Fd()), 0, int(stat.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
}
