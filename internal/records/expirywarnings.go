package records

import "time"

// ExpiryWarnings has a record for each key of whose expiring material the server has warned, by the path of the key.
var ExpiryWarnings = tableOf[ExpiryWarning]("expiry-warning")

// An ExpiryWarning has the last warning about each material of a key, by the ID of the material. Materials that the key
// lost are left out when the next warning is written.
type ExpiryWarning struct {
	Materials map[string]WarnedMaterial `json:"materials"`
}

// A WarnedMaterial says that the server has warned of the expiry of a material this far ahead.
type WarnedMaterial struct {
	ValidTo      time.Time `json:"validTo"`
	AheadSeconds int64     `json:"aheadSeconds"`
}

// Covers reports whether the server has warned of an expiry at least this far ahead, or later.
func (w WarnedMaterial) Covers(validTo time.Time, ahead time.Duration) bool {
	return w.ValidTo.Equal(validTo) && w.AheadSeconds <= int64(ahead/time.Second)
}
