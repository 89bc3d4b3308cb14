package api

// ScheduleKeyDeletionRequest asks to delete a key after a time of waiting. The
// members allow more days than the operation does.
type ScheduleKeyDeletionRequest struct {
	KeyId               *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	PendingWindowInDays *int32  `json:"PendingWindowInDays,omitzero" kms:"range=1:365"`
}

// ScheduleKeyDeletionResponse names the key, by ARN, and its end. DeletionDate
// is absent while a primary key waits for its replicas.
type ScheduleKeyDeletionResponse struct {
	DeletionDate        *Timestamp `json:"DeletionDate,omitzero"`
	KeyId               *string    `json:"KeyId,omitzero"`
	KeyState            *string    `json:"KeyState,omitzero" kms:"enum=KeyState"`
	PendingWindowInDays *int32     `json:"PendingWindowInDays,omitzero"`
}
