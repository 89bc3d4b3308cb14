package api

// TagResourceRequest asks to put tags on a key, over those of the same tag keys.
// The response is [Empty].
type TagResourceRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	Tags  []Tag   `json:"Tags,omitzero" kms:"required"`
}
