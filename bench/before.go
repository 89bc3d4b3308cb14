package main

import "fmt"

// compareWrites compares 64 concurrent writers of the program with 64 writers of an older program, on folders.
func (s settings) compareWrites() error {
	if s.before == "" {
		return nil
	}
	now, err := s.startKeyhold(anywhere)
	if err != nil {
		return err
	}
	defer now.stop()
	older := s
	older.program = s.before
	before, err := older.startKeyhold(anywhere)
	if err != nil {
		return err
	}
	defer before.stop()
	fmt.Println("64 concurrent writers and those of an older program, in pairs")
	s.conns = 64
	for _, load := range []struct {
		operation string
		keys      int
	}{{"CreateKey", 1}, {"UpdateKeyDescription", 1000}} {
		fmt.Println(load.operation)
		err := s.comparePairs(load.operation, load.keys, "before", before, "now", now, func(a, b measure) float64 {
			return b.rate / a.rate
		}, "of the rate; the bar is at least 1")
		if err != nil {
			return err
		}
	}
	return nil
}
