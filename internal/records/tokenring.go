package records

// A token key seals tokens for one hour and is needed for 25 hours, because a token is valid for
// 24 hours. Then it is destroyed, so that nobody can open recorded wrapped material even if the
// server is compromised later.
const TokenKeyHours = 25

// A TokenRing is the record of all token keys that are in use.
type TokenRing struct {
	Keys []TokenKey `json:"keys"`
}

// A TokenKey is sealed under the secret of a slot. The erasure of the slot destroys the key.
type TokenKey struct {
	Hour   int64  `json:"hour"`
	Slot   string `json:"slot"`
	Sealed []byte `json:"sealed"`
}

const TokenRingPath = "ring"

// Of returns the key of the hour, if there is one.
func (r TokenRing) Of(hour int64) (TokenKey, bool) {
	for _, k := range r.Keys {
		if k.Hour == hour {
			return k, true
		}
	}
	return TokenKey{}, false
}

// Without returns the ring without the keys that are no longer needed at the hour, and the slots
// of these keys.
func (r TokenRing) Without(hour int64) (kept TokenRing, left []string) {
	for _, k := range r.Keys {
		if k.Hour < hour-TokenKeyHours {
			left = append(left, k.Slot)
		} else {
			kept.Keys = append(kept.Keys, k)
		}
	}
	return kept, left
}
