//go:build !linux

package service

import "time"

func sleep(d time.Duration) { time.Sleep(d) }
