package service

import "time"

// maxPausing is how many refusals can wait at a time: each takes a thread.
const maxPausing = 32

// pause lets the rest of refusalTime pass. It sleeps in the system: a timer of package
// time may be late by up to a millisecond, counted from when it is set, so that what
// came before it would show in the end all the same.
func (c *call) pause() {
	c.pausing <- struct{}{}
	defer func() { <-c.pausing }()
	for {
		left := refusalTime - time.Since(c.begun)
		if left <= 0 {
			return
		}
		sleep(left)
	}
}
