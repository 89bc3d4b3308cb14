package main

import (
	"fmt"
	"time"
)

// requests compares the three servers, operation by operation.
func (s settings) requests() error {
	keyhold, err := s.startKeyhold(onFirstProcessor)
	if err != nil {
		return err
	}
	defer keyhold.stop()
	servers := []*server{keyhold}
	for _, name := range []string{"bare", "floor"} {
		r, err := startReference(name)
		if err != nil {
			return err
		}
		defer r.stop()
		servers = append(servers, r)
	}
	fmt.Printf("Requests of %d connections, server on one processor, audit on, median of %d runs\n", s.conns, s.runs)
	for _, operation := range s.ops {
		if err := s.compare(servers, operation); err != nil {
			return err
		}
	}
	return nil
}

func (s settings) compare(servers []*server, operation string) error {
	loads, measures := map[*server]*load{}, map[*server][]measure{}
	for _, v := range servers {
		l, err := prepareOn(v, operation)
		if err != nil {
			return err
		}
		loads[v] = l
	}
	for range s.runs {
		for _, v := range servers {
			m, err := loads[v].drive(v, s.conns, s.length)
			if err != nil {
				return err
			}
			measures[v] = append(measures[v], m)
		}
	}
	floor := median(measures[servers[2]]).cpu
	for _, v := range servers {
		m := median(measures[v])
		fmt.Printf("  %-16s %-8s %v   %.2f of the floor\n", operation, v.name, m, ratio(m.cpu, floor))
	}
	return nil
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// prepareOn prepares ten keys on keyhold. The reference servers take any request,
// and bare answers all alike.
func prepareOn(s *server, operation string) (*load, error) {
	if s.name == "bare" {
		in := map[string]any{"KeyId": floorKey, "CiphertextBlob": make([]byte, 253), "EncryptionContext": map[string]string{"pad": string(make([]byte, 0, 256))}}
		return &load{operation, []map[string]any{in}}, nil
	}
	return prepare(s, operation, 10)
}
