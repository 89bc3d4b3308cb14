package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// A signer is what keys of the usage SIGN_VERIFY are. prepared says that the
// message is what stands for one: its digest, or for ML-DSA its representative μ.
type signer interface {
	Sign(algorithm string, message []byte, prepared bool) (signature []byte, err error)
	Verify(algorithm string, message []byte, prepared bool, signature []byte) error
}

// checkSigning tells whether the key of the first ask takes the algorithm and the
// algorithm takes the message, and whether that one is prepared.
func (c *call) checkSigning(algorithm string, messageType *string, message []byte) (prepared bool, err error) {
	if err := c.key().Use(c.Operation.Name, key.SignVerify, algorithm); err != nil {
		return false, err
	}
	kind := or(messageType, api.MessageTypeRaw)
	return kind != api.MessageTypeRaw, key.CheckMessage(algorithm, kind, len(message))
}
