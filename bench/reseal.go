package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// reseal measures Decrypt on a server with many keys under load, before and while all records are sealed again under a
// new data key, and how long that takes.
func (s settings) reseal() error {
	if s.many == 0 {
		return nil
	}
	k, took, err := s.startFilled(anywhere)
	if err != nil {
		return err
	}
	defer k.stop()
	fmt.Printf("A new data key on a server with %d keys, which took %.0f s to create, under %d requests a second\n",
		s.many, took.Seconds(), openRate)
	decrypt, err := prepare(k, "Decrypt", 1000)
	if err != nil {
		return err
	}
	l := startOpen(k, openRate, func(i int) (string, string, map[string]any, func([]byte) error) {
		return "Decrypt", "Decrypt", decrypt.bodies[i%len(decrypt.bodies)], nil
	})
	time.Sleep(s.length) // warms up
	begun := time.Now()
	time.Sleep(max(10*time.Second, 5*s.length))
	rotated := time.Now()
	err = rotate(k)
	ended := time.Now()
	if failed := l.stop(); err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	fmt.Printf("  All records were sealed again after %.0f s\n", ended.Sub(rotated).Seconds())
	l.compare("meanwhile", begun, rotated, ended, "Decrypt")
	return nil
}

// rotate makes a new data key, and waits until all records are sealed again.
func rotate(k *server) error {
	if _, err := callAdmin(k.addr, "SealRotate", map[string]any{"Key": "Data"}); err != nil {
		return err
	}
	for {
		time.Sleep(100 * time.Millisecond)
		if done, err := isResealed(k.addr); err != nil || done {
			return err
		}
	}
}

// isResealed reports whether all records are sealed again: the rotation of data keys rests.
func isResealed(addr string) (bool, error) {
	body, err := callAdmin(addr, "SealStatus", map[string]any{})
	if err != nil {
		return false, err
	}
	var out struct {
		Rotation struct{ Phase string }
	}
	err = json.Unmarshal(body, &out)
	return out.Rotation.Phase == "resting", err
}

// callAdmin sends one administrative request.
func callAdmin(addr, operation string, in map[string]any) ([]byte, error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	request, err := signFor(devRoot, addr, "KeyholdAdmin."+operation, in)
	if err != nil {
		return nil, err
	}
	return c.do(request)
}
