package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const halfBodies = 2500

// bodies sends 2,500 bodies of 128 KiB without their last byte.
func bodies(ctx context.Context, l *lab) (string, error) {
	s, err := l.serve()
	if err != nil {
		return "", err
	}
	o, err := s.newOthers(ctx)
	if err != nil {
		return "", err
	}
	const size = 128 << 10
	half := fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size) + strings.Repeat("x", size-1)
	most := 0.0
	for range halfBodies {
		c, err := l.say(s, half)
		if c != nil {
			defer c.Close()
		}
		if err != nil {
			continue // the server has already closed it
		}
		if resident, err := s.rss(); err == nil {
			most = max(most, resident)
		}
	}
	figure, err := o.compareWithQuiet(ctx, 3*time.Second)
	if err != nil {
		return figure, err
	}
	figure = fmt.Sprintf("%s; %.0f MiB resident at most", figure, most)
	if err := checkBar(most <= maxResident, "%.0f MiB resident, at most %d", most, maxResident); err != nil {
		return figure, err
	}
	time.Sleep(time.Minute)
	resident, err := s.checkRSS()
	return figure + "; a minute later " + resident, err
}
