package identity

import "context"

// Fixed returns the Lookup of a server with the given access keys.
func Fixed(keys ...AccessKey) Lookup {
	byID := make(map[string]AccessKey, len(keys))
	for _, k := range keys {
		byID[k.ID] = k
	}
	return func(_ context.Context, id string) (AccessKey, bool, error) {
		k, ok := byID[id]
		return k, ok, nil
	}
}

// First returns a Lookup that asks several Lookups in order, until one of them knows the access
// key.
func First(lookups ...Lookup) Lookup {
	return func(ctx context.Context, id string) (k AccessKey, ok bool, err error) {
		for _, lookup := range lookups {
			if k, ok, err = lookup(ctx, id); ok || err != nil {
				return k, ok, err
			}
		}
		return k, false, nil
	}
}
