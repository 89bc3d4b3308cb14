package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// reseal measures Decrypt on a server with many keys, before and while all records are sealed again under a new data
// key, and how long that takes.
func (s settings) reseal() error {
	if s.many == 0 {
		return nil
	}
	k, err := s.startKeyhold(anywhere)
	if err != nil {
		return err
	}
	defer k.stop()
	if err := fill(k.addr, s.many); err != nil {
		return err
	}
	l, err := prepare(k, "Decrypt", 1000)
	if err != nil {
		return err
	}
	var before, meanwhile []measure
	for range s.runs {
		m, err := l.drive(k, s.conns, s.length)
		if err != nil {
			return err
		}
		before = append(before, m)
	}
	if _, err := callAdmin(k.addr, "SealRotate", map[string]any{"Key": "Data"}); err != nil {
		return err
	}
	begun, left := time.Now(), 1.0
	for left > 0 {
		time.Sleep(100 * time.Millisecond)
		phase, of, err := s.rotation(k.addr)
		if err != nil {
			return err
		}
		if left = of; phase == "resealing" && len(meanwhile) < s.runs {
			m, err := l.drive(k, s.conns, s.length)
			if err != nil {
				return err
			}
			meanwhile = append(meanwhile, m)
		}
	}
	took := time.Since(begun)
	if len(meanwhile) == 0 {
		return fmt.Errorf("%d keys were sealed again before a run of %v: give more -keys", s.many, s.length)
	}
	a, b := median(before), median(meanwhile)
	fmt.Printf("A new data key on a server with %d keys: all records were sealed again after %.0f s\n"+
		"  Decrypt before     %v\n  Decrypt meanwhile  %v   p99 %.2f times\n", s.many, took.Seconds(), a, b,
		float64(b.p99)/float64(a.p99))
	return nil
}

// rotation returns the phase of the rotation of data keys, and 0 if all records are sealed again.
func (s settings) rotation(addr string) (phase string, left float64, err error) {
	body, err := callAdmin(addr, "SealStatus", map[string]any{})
	if err != nil {
		return "", 0, err
	}
	var out struct {
		Rotation struct{ Phase string }
	}
	if err := json.Unmarshal(body, &out); err != nil {
		return "", 0, err
	}
	if out.Rotation.Phase == "resting" {
		return out.Rotation.Phase, 0, nil
	}
	return out.Rotation.Phase, 1, nil
}

// callAdmin sends one administrative request.
func callAdmin(addr, operation string, in map[string]any) ([]byte, error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	request, err := signFor(root, addr, "KeyholdAdmin."+operation, in)
	if err != nil {
		return nil, err
	}
	return c.do(request)
}
