// Package reseal changes the seal of a deployment while it runs: the custody of the root key, the root key, and the
// data keys, after which every record is sealed again. It decides about no request: its callers have decided whether
// somebody may make the change.
package reseal
