package service

import "time"

// maxPausing is how many refusals can wait at a time: each takes a thread.
const maxPausing = 32

// pause lets the rest of refusalTime pass. It sleeps in the system: a timer of package
// time may be late by up to a millisecond, counted from when it is set, so that what
// came before it would show in the end all the same. Within a View, which should not
// last, the pause is put off until pauseNow.
func (c *call) pause() {
	if c.from != nil {
		c.paused = true
		return
	}
	c.Turn.End()
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

// pauseNow makes up for a pause that was put off.
func (c *call) pauseNow() {
	if c.paused {
		c.paused = false
		c.pause()
	}
}
