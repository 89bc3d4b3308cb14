package api

// TagResourceRequest asks to add tags to a key. They replace tags with the same tag keys. The response is
// [Empty].
type TagResourceRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	Tags  []Tag   `json:"Tags,omitzero" kms:"required"`
}
