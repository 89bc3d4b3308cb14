package service

// A token key seals for one hour and, as a token is good for 24, is of use for
// 25. Then it is destroyed, and wrapped material that somebody recorded on its
// way stays closed whatever becomes of the server.
const tokenKeyHours = 25

// A tokenRing is the record of all token keys that are of use.
type tokenRing struct {
	Keys []tokenKey `json:"keys"`
}

// A tokenKey is sealed under the secret of a slot, by whose erasure it is
// destroyed.
type tokenKey struct {
	Hour   int64  `json:"hour"`
	Slot   string `json:"slot"`
	Sealed []byte `json:"sealed"`
}

const tokenRingPath = "ring"

// of returns the key of the hour, if there is one.
func (r tokenRing) of(hour int64) (tokenKey, bool) {
	for _, k := range r.Keys {
		if k.Hour == hour {
			return k, true
		}
	}
	return tokenKey{}, false
}

// without returns the ring without the keys that are of no use at the hour, and
// the slots of these.
func (r tokenRing) without(hour int64) (kept tokenRing, left []string) {
	for _, k := range r.Keys {
		if k.Hour < hour-tokenKeyHours {
			left = append(left, k.Slot)
		} else {
			kept.Keys = append(kept.Keys, k)
		}
	}
	return kept, left
}
