package api

// ExplainSignatureRequest asks a dev server about a request whose signature it refused: the request with the ID
// in its response, or the newest one. It is not part of the KMS API.
type ExplainSignatureRequest struct {
	RequestId *string `json:"RequestId,omitzero" kms:"len=1:64"`
}

// ExplainSignatureResponse has the signature data in the refused request, and the values that the server
// computed. Members are "" if the request was too malformed. Values of headers that may be credentials are
// "[redacted]".
type ExplainSignatureResponse struct {
	RequestId           *string    `json:"RequestId,omitzero"`
	RefusedAt           *Timestamp `json:"RefusedAt,omitzero"`
	ErrorCode           *string    `json:"ErrorCode,omitzero"`
	ErrorMessage        *string    `json:"ErrorMessage,omitzero"`
	Target              *string    `json:"Target,omitzero"`
	AccessKeyId         *string    `json:"AccessKeyId,omitzero"`
	CredentialScope     *string    `json:"CredentialScope,omitzero"`
	Date                *string    `json:"Date,omitzero"`
	SignedHeaders       []string   `json:"SignedHeaders"`
	DeclaredPayloadHash *string    `json:"DeclaredPayloadHash,omitzero"`
	PayloadHash         *string    `json:"PayloadHash,omitzero"`
	CanonicalRequest    *string    `json:"CanonicalRequest,omitzero"`
	StringToSign        *string    `json:"StringToSign,omitzero"`
}
