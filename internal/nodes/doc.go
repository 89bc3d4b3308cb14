// Package nodes keeps the nodes of a deployment together that share a store.
//
// Each node writes a heartbeat, confirms the revision up to which it has dropped what changed, and
// watches the other nodes. A node that is silent is fenced, and another node takes over its events
// (docs/storage.md, "Nodes"). A deployment whose store belongs to one process has no such records.
//
// Package nodes knows no key and no request, and moves no event itself: package journal does.
package nodes
