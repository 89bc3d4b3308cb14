package service

import (
	"context"
	"errors"
	"testing"
)

// Where as many RSA pairs are being made as may be, a caller waits no longer than
// it wants to; other material is made all the same.
func TestGenerateWaitsItsTurn(t *testing.T) {
	s := &Service{generating: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(t.Context())
	c := &call{Service: s, ctx: ctx}
	if material, err := c.generate("RSA_2048"); err != nil || len(material) == 0 {
		t.Fatal(err)
	}
	s.generating <- struct{}{}
	stop()
	if _, err := c.generate("RSA_2048"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if material, err := c.generate("ECC_NIST_P256"); err != nil || len(material) == 0 {
		t.Error(err)
	}
}
