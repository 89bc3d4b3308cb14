package main

import (
	"fmt"
	"slices"
	"time"
)

// parameters measures GetParametersForImport for RSA_4096, whose key pairs take long to generate, at one
// request per second.
func (s settings) parameters() error {
	k, err := s.startKeyhold(anywhere)
	if err != nil {
		return err
	}
	defer k.stop()
	made, err := call(k.addr, "CreateKey", map[string]any{"Origin": "EXTERNAL"})
	if err != nil {
		return err
	}
	c, err := dial(k.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	in := map[string]any{"KeyId": made["KeyMetadata"].(map[string]any)["KeyId"], "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
		"WrappingKeySpec": "RSA_4096"}
	var times []time.Duration
	const calls = 20
	for i := range calls + 1 {
		request, err := sign(k.addr, "GetParametersForImport", in)
		if err != nil {
			return err
		}
		begun := time.Now()
		if _, err := c.do(request); err != nil {
			return err
		}
		if i > 0 { // the first request makes the server generate key pairs in advance
			times = append(times, time.Since(begun))
		}
		time.Sleep(time.Until(begun.Add(time.Second)))
	}
	slices.Sort(times)
	fmt.Printf("GetParametersForImport, RSA_4096, %d at one a second\n  p50 %.1f ms   slowest %.1f ms\n", calls,
		float64(times[calls/2].Microseconds())/1000, float64(times[calls-1].Microseconds())/1000)
	return nil
}
