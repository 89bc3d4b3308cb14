package service

import "github.com/keyhold/keyhold/internal/api"

var sign = query("Sign", asks{{Action: "kms:Sign", On: keyOrAlias("KeyId")}}, nil,
	func(c *call, in *api.SignRequest) (*api.SignResponse, error) {
		prepared, err := c.checkSigning(*in.SigningAlgorithm, in.MessageType, in.Message)
		if err != nil {
			return nil, err
		}
		if err := dryRun(in.DryRun); err != nil {
			return nil, err
		}
		var signature []byte
		err = withCurrent(c, c.key(), func(made signer) (err error) {
			signature, err = made.Sign(*in.SigningAlgorithm, in.Message, prepared)
			return err
		})
		if err != nil {
			return nil, err
		}
		return &api.SignResponse{KeyId: new(c.key().ARN()), Signature: signature, SigningAlgorithm: in.SigningAlgorithm}, nil
	})
