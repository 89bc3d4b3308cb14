package main

import "fmt"

// compareWrites compares 64 concurrent writers of the program with those of an older program, on folders.
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
	return s.comparePairs("CreateKey", 1, "before", before, "now", now, func(a, b measure) float64 {
		return b.rate / a.rate
	}, "of the rate; the bar is at least 1")
}
