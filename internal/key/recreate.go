package key

// CheckChosenID returns an Error unless id can be the ID of a key that is created under a chosen ID.
func CheckChosenID(id string) error {
	if !ValidID(id) {
		return Errorf(KindValidation, "'%s' is not a key ID: give the 36 characters that the key's ARN ends with, in "+
			"lower case.", id)
	}
	return nil
}

// Recreate returns a new key that is already associated with the material of the given ID. The bytes are not
// present, and the key takes no other material.
func (k Key) Recreate(materialID string) Key {
	k.State, k.Materials = PendingImport, []Material{{ID: materialID}}
	return k
}

// ExistsError returns the Error for creating a key under the ID of this existing key, with advice that depends on its
// state.
func (k Key) ExistsError() *Error {
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
