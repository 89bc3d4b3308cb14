package service

import (
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

// generate returns new material, for the caller to clear.
func (c *call) generate(spec key.Spec) (material []byte, err error) {
	err = c.compute(effortsOf[spec].making, func() (err error) {
		crypt.Secretly(func() { material, err = crypt.Generate(string(spec)) })
		return err
	})
	return material, err
}
