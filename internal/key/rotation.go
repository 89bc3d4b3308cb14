package key

import "time"

// The bounds of the period of automatic rotation in days, and how many rotations on
// demand a key can have.
const (
	MinRotationPeriod     = 90
	MaxRotationPeriod     = 2560
	DefaultRotationPeriod = 365
	MaxOnDemandRotations  = 25
)

// rotationConflict is how shortly before an automatic rotation none on demand
// begins ("Perform on-demand key rotation").
const rotationConflict = 20 * time.Minute

// A Rotation is the automatic rotation of a key. The zero value is none. Days are of
// 24 hours.
type Rotation struct {
	PeriodInDays int       `json:"periodInDays"`
	Next         time.Time `json:"next"` // a whole second, as the index of due times has it
}

// Enabled reports whether there is one.
func (r Rotation) Enabled() bool { return r.PeriodInDays > 0 }

func (r Rotation) period() time.Duration { return time.Duration(r.PeriodInDays) * 24 * time.Hour }

// A RotationType tells who wished for a rotation.
type RotationType string

// The types of rotation of the API.
const (
	RotationAutomatic RotationType = "AUTOMATIC"
	RotationOnDemand  RotationType = "ON_DEMAND"
)

// CheckRotatable refuses the keys that keep one material for ever.
func (k Key) CheckRotatable() error {
	if k.Spec != SymmetricDefault {
		return Errorf(KindUnsupportedOperation, "%s is a key of the spec %s, which is not valid for this operation.", k.ARN(), k.Spec)
	}
	return nil
}

// CheckAutomaticRotation refuses the keys that are not rotated of themselves:
// those that keep one material, those whose owner has the material, and replicas, which
// are rotated with their primary key.
func (k Key) CheckAutomaticRotation() error {
	if k.Origin != OriginAWSKMS {
		return k.WrongOrigin()
	}
	if err := k.CheckRotatable(); err != nil {
		return err
	}
	return k.CheckNotReplica()
}

// WrongOrigin refuses an operation that is not for keys of this origin.
func (k Key) WrongOrigin() *Error {
	return Errorf(KindUnsupportedOperation, "%s origin is %s which is not valid for this operation.", k.ARN(), k.Origin)
}

// EnableRotation returns the key with an automatic rotation every so many days, the
// first so many days from now. The same period as before leaves the dates as they are.
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

// rotationDue returns when the key is to be rotated next, or the zero time. Only a
// key that is enabled is; its replicas follow it, whatever their state.
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

// Rotate returns the key, a rotation of which is due, with new material that is the
// current one from now on. Dates that were missed, as when the server was stopped, are
// made up for by this one rotation; the next is that of the schedule.
func (k Key) Rotate(generated Material, now time.Time) Key {
	for period := k.Rotation.period(); !now.Before(k.Rotation.Next); {
		k.Rotation.Next = k.Rotation.Next.Add(period)
	}
	return k.withCurrent(generated, RotationAutomatic, now)
}

// CheckOnDemand tells whether the key can be rotated on demand now, as far as it knows
// of itself: nil or an Error. The service has no message for a key that is not symmetric.
func (k Key) CheckOnDemand(now time.Time) error {
	if err := k.CheckRotatable(); err != nil {
		return Errorf(KindUnsupportedOperation, "")
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
		return Errorf(KindLimitExceeded, "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: %s", k.ARN())
	case k.Origin == OriginExternal && k.Pending == nil:
		return Errorf(KindInvalidState, "No available key material pending rotation for the key: %s.", k.ARN())
	case !due.IsZero() && due.Sub(now) < rotationConflict:
		return Errorf(KindConflict, "%s is about to be rotated automatically.", k.ARN()).OfClock()
	}
	return nil
}

// rotateOnDemand returns the key with other current material: with that which
// waits, if its owner imports it, and else with what was generated. The schedule of
// automatic rotation stays.
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
