package service

import (
	"errors"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

// verifySignature is Verify: the name without more is that of the check of a
// deployment.
var verifySignature = query("Verify", asks{{"kms:Verify", keyOrAlias("KeyId")}},
	func(in *api.VerifyRequest, _ time.Time) error { return checkGrantTokens(in.GrantTokens) },
	func(c *call, in *api.VerifyRequest) (*api.VerifyResponse, error) {
		prepared, err := c.checkSigning(*in.SigningAlgorithm, in.MessageType, in.Message)
		if err != nil {
			return nil, err
		}
		err = withCurrent(c, c.key(), func(made signer) error {
			return made.Verify(*in.SigningAlgorithm, in.Message, prepared, in.Signature)
		})
		if errors.Is(err, crypt.ErrSignature) {
			return nil, key.Errorf(key.KindKMSInvalidSignature, "").Because(err)
		}
		if err == nil {
			err = dryRun(in.DryRun)
		}
		if err != nil {
			return nil, err
		}
		return &api.VerifyResponse{KeyId: new(c.key().ARN()), SignatureValid: true, SigningAlgorithm: in.SigningAlgorithm}, nil
	})
