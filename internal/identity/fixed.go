package identity

import "context"

// Fixed returns the Lookup of a server whose access keys are known from the
// start.
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

// First returns the Lookup that asks several in turn, until one knows the access
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
