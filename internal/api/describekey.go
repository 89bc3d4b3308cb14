package api

// DescribeKeyRequest asks for the metadata of a key. KeyId may be an alias.
type DescribeKeyRequest struct {
	GrantTokens []string `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId       *string  `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}

// DescribeKeyResponse describes the key.
type DescribeKeyResponse struct {
	KeyMetadata *KeyMetadata `json:"KeyMetadata,omitzero"`
}
