package service

import (
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

// maxGenerating bounds the RSA pairs that are being made: an RSA-4096 pair takes
// a core for half a second and more. patience is how long a caller waits.
const (
	maxGenerating = 4
	patience      = 5 * time.Second
)

// generate returns new material, for the caller to clear.
func (c *call) generate(spec string) (material []byte, err error) {
	if strings.HasPrefix(spec, "RSA_") {
		select {
		case c.generating <- struct{}{}:
			defer func() { <-c.generating }()
		case <-time.After(patience):
			return nil, key.Errorf(key.KindThrottling, "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.")
		case <-c.ctx.Done():
			return nil, c.ctx.Err()
		}
	}
	crypt.Secretly(func() { material, err = crypt.Generate(spec) })
	return material, err
}
