package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var scheduleKeyDeletion = change("ScheduleKeyDeletion", asks{{Action: "kms:ScheduleKeyDeletion", On: keyID("KeyId")}},
	func(in *api.ScheduleKeyDeletionRequest, _ time.Time) error {
		return key.CheckDeletionWindow(deletionWindow(in))
	},
	func(c *call, in *api.ScheduleKeyDeletionRequest) (*api.ScheduleKeyDeletionResponse, error) {
		var scheduled key.Key
		err := c.commitKey(func(k key.Key) (key.Key, error) {
			scheduled = k.ScheduleDeletion(deletionWindow(in), c.now)
			return scheduled, nil
		})
		if err != nil {
			return nil, err
		}
		return &api.ScheduleKeyDeletionResponse{
			KeyId:               new(scheduled.ARN()),
			KeyState:            new(string(scheduled.State)),
			DeletionDate:        timestamp(scheduled.DeletionDate),
			PendingWindowInDays: new(int32(deletionWindow(in))),
		}, nil
	})

func deletionWindow(in *api.ScheduleKeyDeletionRequest) int {
	return int(or(in.PendingWindowInDays, key.DefaultDeletionWindow))
}
