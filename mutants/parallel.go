package main

import (
	"errors"
	"sync"
	"sync/atomic"
)

// parallel calls do for each item, with several workers. After an error, it starts no further item.
func parallel[T any](workers int, items []T, do func(T) error) error {
	var next atomic.Int64
	var failed atomic.Bool
	var all sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		all.Go(func() {
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= len(items) {
					return
				}
				if errs[w] = do(items[i]); errs[w] != nil {
					failed.Store(true)
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
