// Package records declares what a deployment keeps: tables, paths, and the writes that
// keep every index true.
//
// The tables are listed in docs/formats.md, "Records". Package records decides nothing: it
// knows no caller, no time and no policy, and it seals nothing.
package records
