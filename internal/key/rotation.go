package key

import "time"

// The bounds of the automatic rotation period, in days, and the quota of on-demand rotations of one key.
const (
	MinRotationPeriod     = 90
	MaxRotationPeriod     = 2560
	DefaultRotationPeriod = 365
	MaxOnDemandRotations  = 25
)

// rotationConflict is the time before an automatic rotation in which on-demand rotation is refused. Source:
// "Perform on-demand key rotation" in the developer guide.
const rotationConflict = 20 * time.Minute

// A Rotation is the schedule of automatic rotation. The zero value means that automatic rotation is disabled. A
// day has 24 hours.
type Rotation struct {
	PeriodInDays int       `json:"periodInDays"`
	Next         time.Time `json:"next"` // in whole seconds, like the index of due times
}

// Enabled reports whether automatic rotation is enabled.
func (r Rotation) Enabled() bool { return r.PeriodInDays > 0 }

func (r Rotation) period() time.Duration { return time.Duration(r.PeriodInDays) * 24 * time.Hour }

// A RotationType is what started a rotation.
type RotationType string

// The rotation types of the API.
const (
	RotationAutomatic RotationType = "AUTOMATIC"
	RotationOnDemand  RotationType = "ON_DEMAND"
)

// CheckRotatable rejects keys whose spec does not support rotation. The service has no message for them.
func (k Key) CheckRotatable() error {
	if k.Spec != SymmetricDefault {
		return Errorf(KindUnsupportedOperation, "")
	}
	return nil
}

// CheckAutomaticRotation rejects keys that are not rotated automatically: keys whose spec does not support
// rotation, keys with imported material, and replicas, which are rotated with their primary key.
func (k Key) CheckAutomaticRotation() error {
	if k.Origin != OriginAWSKMS {
		return k.WrongOrigin()
	}
	if err := k.CheckRotatable(); err != nil {
		return err
	}
	return k.CheckNotReplica()
}

// WrongOrigin returns the Error for an operation that does not support the origin of this key.
func (k Key) WrongOrigin() *Error {
	return Errorf(KindUnsupportedOperation, "%s origin is %s which is not valid for this operation.", k.ARN(), k.Origin)
}

// EnableRotation returns the key with automatic rotation every given number of days, starting that many days
// from now. The schedule does not change if the period is the same as before.
func (k Key) EnableRotation(days int, now time.Time) Key {
	if k.Rotation.PeriodInDays != days {
		k.Rotation = Rotation{PeriodInDays: days}
		k.Rotation.Next = now.Add(k.Rotation.period()).Truncate(time.Second)
	}
	return k
}

// DisableRotation returns the key without automatic rotation.
func (k Key) DisableRotation() Key {
	k.Rotation = Rotation{}
	return k
}

// rotationDue returns the time of the next automatic rotation, or the zero time. Only enabled keys have one.
// Replicas are rotated with their primary key, whatever state they are in.
func (k Key) rotationDue() time.Time {
	if k.State != Enabled || !k.Rotation.Enabled() {
		return time.Time{}
	}
	return k.Rotation.Next
}

// RotationDue reports whether an automatic rotation is due.
func (k Key) RotationDue(now time.Time) bool {
	due := k.rotationDue()
	return !due.IsZero() && !now.Before(due)
}

// Rotate carries out an automatic rotation that is due: generated becomes the current material. One rotation
// makes up for all dates that were missed, for example while the server was stopped. The schedule keeps its
// dates.
func (k Key) Rotate(generated Material, now time.Time) Key {
	for period := k.Rotation.period(); !now.Before(k.Rotation.Next); {
		k.Rotation.Next = k.Rotation.Next.Add(period)
	}
	return k.withCurrent(generated, RotationAutomatic, now)
}

// CheckOnDemand returns an Error unless the key itself can be rotated on demand now. [Related.CheckOnDemand]
// also checks its replicas.
func (k Key) CheckOnDemand(now time.Time) error {
	if err := k.CheckRotatable(); err != nil {
		return err
	}
	if err := k.CheckNotReplica(); err != nil {
		return err
	}
	done := 0
	for _, m := range k.Materials {
		if m.RotationType == RotationOnDemand {
			done++
		}
	}
	due := k.rotationDue()
	switch {
	case done >= MaxOnDemandRotations:
		return Errorf(KindLimitExceeded, "The on-demand rotations limit has been reached for the given keyId. No more "+
			"on-demand rotations can be performed for this key: %s", k.ARN())
	case k.Origin == OriginExternal && k.Pending == nil:
		return Errorf(KindInvalidState, "No available key material pending rotation for the key: %s.", k.ARN())
	case !due.IsZero() && due.Sub(now) < rotationConflict:
		return Errorf(KindConflict, "%s is about to be rotated automatically.", k.ARN())
	}
	return nil
}

// rotateOnDemand returns the key with new current material: its pending material if the key's material is
// imported, else generated. The schedule of automatic rotation does not change.
func (k Key) rotateOnDemand(generated Material, now time.Time) Key {
	m := generated
	if k.Origin == OriginExternal {
		m, k.Pending = *k.Pending, nil
	}
	return k.withCurrent(m, RotationOnDemand, now)
}

func (k Key) withCurrent(m Material, t RotationType, now time.Time) Key {
	m.RotationDate, m.RotationType = now.Truncate(time.Millisecond), t
	return k.withMaterial(-1, m)
}
