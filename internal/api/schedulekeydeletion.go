package api

// ScheduleKeyDeletionRequest asks to delete a key after a waiting period. The operation allows fewer days than
// the constraint does.
type ScheduleKeyDeletionRequest struct {
	KeyId               *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	PendingWindowInDays *int32  `json:"PendingWindowInDays,omitzero" kms:"range=1:365"`
}

// ScheduleKeyDeletionResponse has the ARN of the key and its deletion date. DeletionDate is absent while a
// primary key waits for its replicas.
type ScheduleKeyDeletionResponse struct {
	DeletionDate        *Timestamp `json:"DeletionDate,omitzero"`
	KeyId               *string    `json:"KeyId,omitzero"`
	KeyState            *string    `json:"KeyState,omitzero" kms:"enum=KeyState"`
	PendingWindowInDays *int32     `json:"PendingWindowInDays,omitzero"`
}
