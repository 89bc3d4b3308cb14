package service

import (
	"errors"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

// verifySignature is the operation Verify. The function named Verify checks a deployment.
var verifySignature = query("Verify", asks{{Action: "kms:Verify", On: keyOrAlias("KeyId")}}, nil,
	func(c *call, in *api.VerifyRequest) (*api.VerifyResponse, error) {
		prepared, err := c.checkSigning(*in.SigningAlgorithm, in.MessageType, in.Message)
		if err != nil {
			return nil, err
		}
		err = withCurrent(c, c.key(), func(made signer) error {
			return made.Verify(*in.SigningAlgorithm, in.Message, prepared, in.Signature)
		})
		switch {
		case errors.Is(err, crypt.ErrSignature):
			err = key.Errorf(key.KindKMSInvalidSignature, "").Because(err)
		case errors.Is(err, crypt.ErrUnsupported):
			err = key.Errorf(key.KindUnsupportedOperation,
				"Verify does not support the MessageType %s here.", or(in.MessageType, "")).Because(err)
		case err == nil:
			err = dryRun(in.DryRun)
		}
		if err != nil {
			return nil, err
		}
		return &api.VerifyResponse{
			KeyId:            new(c.key().ARN()),
			SignatureValid:   true,
			SigningAlgorithm: in.SigningAlgorithm,
		}, nil
	})
