package records

// A token key seals for one hour and is needed for 25, because a token is valid for 24 hours.
// Then it is destroyed, so that recorded wrapped material stays closed even if the server is
// compromised later.
const TokenKeyHours = 25

// A TokenRing is the record of all token keys that are in use.
type TokenRing struct {
	Keys []TokenKey `json:"keys"`
}

// A TokenKey is sealed under the secret of a slot, by whose erasure it is
// destroyed.
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

// Without returns the ring without the keys that are of no use at the hour, and
// the slots of these.
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
