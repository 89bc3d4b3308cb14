package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

const explainSignatureName = "ExplainSignature"

// ExplainSignature is served only by dev servers and is not part of the KMS API.
var explainSignature = query(explainSignatureName, asks{{Action: "keyhold:" + explainSignatureName}}, nil,
	func(c *call, in *api.ExplainSignatureRequest) (*api.ExplainSignatureResponse, error) {
		r, ok := c.refusals.find(or(in.RequestId, ""))
		switch {
		case !ok && in.RequestId != nil:
			return nil, key.Errorf(key.KindNotFound,
				"No refused signature of a request %s is remembered: of the last %d, those since the server was started are.%s",
				*in.RequestId, maxRefusals, c.ofThisNode())
		case !ok:
			return nil, key.Errorf(key.KindNotFound, "No signature was refused since the server was started.%s", c.ofThisNode())
		}
		return &api.ExplainSignatureResponse{
			RequestId:           &r.requestID,
			RefusedAt:           timestamp(r.at),
			ErrorCode:           new(string(r.reason.Kind)),
			ErrorMessage:        &r.reason.Message,
			Target:              &r.Target,
			AccessKeyId:         &r.AccessKeyID,
			CredentialScope:     &r.Scope,
			Date:                &r.Date,
			SignedHeaders:       r.SignedHeaders,
			DeclaredPayloadHash: &r.Declared,
			PayloadHash:         &r.Payload,
			CanonicalRequest:    &r.CanonicalRequest,
			StringToSign:        &r.StringToSign,
		}, nil
	})
