package key

// CheckChosenID tells whether a key can be made under an ID that somebody chose,
// rather than under a random one: nil or an Error.
func CheckChosenID(id string) error {
	if !ValidID(id) {
		return Errorf(KindValidation, "'%s' is not a key ID: give the 36 characters that the key's ARN ends with, in lower case.", id)
	}
	return nil
}

// Recreated returns a new key as one that was associated with the material of
// the given ID, whose bytes are not here: it takes that material and no other.
func (k Key) Recreated(materialID string) Key {
	k.State, k.Materials = PendingImport, []Material{{ID: materialID}}
	return k
}

// Taken refuses a new key under the ID of this one, which is as it is now, and says
// what can be done instead.
func (k Key) Taken() *Error {
	remedy := "It is left as it is."
	switch k.State {
	case PendingDeletion:
		remedy = "It is pending deletion: CancelKeyDeletion keeps it."
	case PendingImport:
		remedy = "It is pending import: import its material."
	case Gone:
		remedy = "Its deletion date has passed and it is being removed: try again in a few seconds."
	}
	return Errorf(KindAlreadyExists, "Key %s already exists. %s", k.ARN(), remedy)
}
