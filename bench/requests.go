package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// requests compares the three servers for each operation.
func (s settings) requests() error {
	if err := leaveFirstProcessor(); err != nil {
		return err
	}
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
	fmt.Println("The bar is the floor's Decrypt plus 1.15 times the primitive. Unlike the program, neither erases its " +
		"memory (runtimesecret)")
	for _, operation := range s.ops {
		var err error
		if strings.Contains(operation, ":") {
			err = s.withPrimitive(keyhold, servers[2], operation)
		} else {
			err = s.compare(servers, operation)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s settings) compare(servers []*server, operation string) error {
	medians, err := s.measure(servers, operation, func() error { return nil })
	if err != nil {
		return err
	}
	for i, v := range servers {
		fmt.Printf("  %-26s %-9s %v   %.2f of the floor\n", operation, v.name, medians[i],
			ratio(medians[i].cpu, medians[2].cpu))
	}
	return nil
}

// measure runs the servers in turn, and calls between after each round.
func (s settings) measure(servers []*server, operation string, between func() error) (medians []measure, err error) {
	loads, measures := make([]*load, len(servers)), make([][]measure, len(servers))
	for i, v := range servers {
		if loads[i], err = prepareOn(v, operation); err != nil {
			return nil, err
		}
	}
	for range s.runs {
		for i, v := range servers {
			m, err := loads[i].drive(v, s.conns, s.length)
			if err != nil {
				return nil, err
			}
			measures[i] = append(measures[i], m)
		}
		if err := between(); err != nil {
			return nil, err
		}
	}
	for _, all := range measures {
		medians = append(medians, median(all))
	}
	return medians, nil
}

// primitivePercent is the maximum cost of an operation above the floor, in percent of the cost of its
// primitive.
const primitivePercent = 115

// withPrimitive compares an operation on keys of a spec with the cryptography alone, with the floor's Decrypt,
// which is the reference for all requests, and with the floor's time for the same requests without
// cryptography.
func (s settings) withPrimitive(keyhold, floor *server, operation string) error {
	_, spec, _ := strings.Cut(operation, ":")
	a, ok := algorithms[spec]
	if !ok {
		return fmt.Errorf("there is no load of %s", operation)
	}
	call, err := a.primitive()
	if err != nil {
		return err
	}
	decrypts, err := prepareOn(floor, "Decrypt")
	if err != nil {
		return err
	}
	var costs []time.Duration
	var floors []measure
	medians, err := s.measure([]*server{keyhold, floor}, operation, func() error {
		c, err := cost(call, s.length)
		if err != nil {
			return err
		}
		m, err := decrypts.drive(floor, s.conns, s.length)
		costs, floors = append(costs, c), append(floors, m)
		return err
	})
	if err != nil {
		return err
	}
	slices.Sort(costs)
	bare, least := costs[len(costs)/2], median(floors)
	is, bar := medians[0].cpu, least.cpu+bare*primitivePercent/100
	met := "met"
	if is > bar {
		met = "NOT met"
	}
	fmt.Printf("  %-26s keyhold   %v\n  %-26s without   %v\n", operation, medians[0], operation, medians[1])
	fmt.Printf("  %-26s primitive %53s CPU %6.1f us\n  %-26s floor     %v\n", operation, "", micros(bare), "  Decrypt",
		least)
	fmt.Printf("  %-26s is %.1f us, bar %.1f us: %s\n", operation, micros(is), micros(bar), met)
	return nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// prepareOn prepares ten keys on keyhold. The reference servers accept any request, and bare answers all of
// them alike.
func prepareOn(s *server, operation string) (*load, error) {
	if s.name == "bare" {
		in := map[string]any{"KeyId": floorKey, "CiphertextBlob": make([]byte, 253),
			"EncryptionContext": map[string]string{"pad": string(make([]byte, 0, 256))}}
		return &load{operation: operation, bodies: []map[string]any{in}}, nil
	}
	return prepare(s, operation, 10)
}
