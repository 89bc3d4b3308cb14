package main

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// manyKeys compares a server that has ten keys with a server that has many, under the same load on ten of them,
// and under a load on a thousand.
func (s settings) manyKeys() error {
	if s.many == 0 {
		return nil
	}
	if err := leaveFirstProcessor(); err != nil {
		return err
	}
	few, err := s.startKeyhold(onFirstProcessor)
	if err != nil {
		return err
	}
	defer few.stop()
	many, took, err := s.startFilled(onFirstProcessor)
	if err != nil {
		return err
	}
	defer many.stop()
	fmt.Printf("A server with 10 keys, and one with %d, which took %.0f s to create\n", s.many, took.Seconds())
	for _, used := range []int{10, 1000} {
		for _, operation := range s.ops {
			if strings.Contains(operation, ":") {
				continue // creating thousands of keys of such specs takes long
			}
			if err := s.compareSizes(few, many, operation, used); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s settings) compareSizes(few, many *server, operation string, used int) error {
	small, err := prepare(few, operation, used)
	if err != nil {
		return err
	}
	large, err := prepare(many, operation, used)
	if err != nil {
		return err
	}
	a, b, err := s.alternate(small, few, large, many)
	if err == nil {
		fmt.Printf("  %-16s on %4d keys of few  %v\n  %-16s on %4d keys of many %v   %.2f times\n", operation, used, a,
			operation, used, b, ratio(b.cpu, a.cpu))
	}
	return err
}

// alternate runs two loads in turn, each on its server.
func (s settings) alternate(first *load, on *server, second *load, onOther *server) (a, b measure, err error) {
	var firsts, seconds []measure
	for range s.runs {
		one, err := first.drive(on, s.conns, s.length)
		if err != nil {
			return a, b, err
		}
		other, err := second.drive(onOther, s.conns, s.length)
		if err != nil {
			return a, b, err
		}
		firsts, seconds = append(firsts, one), append(seconds, other)
	}
	return median(firsts), median(seconds), nil
}

// startFilled starts the program as startKeyhold does, and creates the keys of s.many. It returns how long they took.
func (s settings) startFilled(where placement) (k *server, took time.Duration, err error) {
	if k, err = s.startKeyhold(where); err != nil {
		return nil, 0, err
	}
	begun := time.Now()
	if err := fill(k.addr, s.many); err != nil {
		k.stop()
		return nil, 0, err
	}
	return k, time.Since(begun), nil
}

// fill creates keys concurrently.
func fill(addr string, keys int) error {
	var left atomic.Int64
	left.Store(int64(keys))
	var all sync.WaitGroup
	errs := make(chan error, 1)
	for range 128 {
		all.Go(func() {
			if err := create(addr, &left); err != nil {
				select {
				case errs <- err:
				default:
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func create(addr string, left *atomic.Int64) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	var request []byte
	for i := 0; left.Add(-1) >= 0; i++ {
		if i%500 == 0 { // a signature is valid for five minutes
			if request, err = sign(addr, "CreateKey", map[string]any{}); err != nil {
				return err
			}
		}
		if _, err := c.do(request); err != nil {
			return err
		}
	}
	return nil
}
