// Package api defines the requests, responses and errors of the wire API. It encodes and decodes bodies, and
// validates members by constraints that are declared next to them. It knows nothing of keys, stores, callers or
// HTTP.
//
// A request type has a field for each member, with the name of the member on the wire. A nil field is an absent
// member. A pointer to a zero value, or an empty blob, list or map that is not nil, is a member that is present
// and empty. Enums are strings whose values are listed in one table ([Enum]). In responses, members that are
// always sent are plain values.
//
// Constraints are declared in a `kms` struct tag. [ShapeOf] compiles the tags once. A tag is a list of words
// separated by commas, which are checked in order:
//
//	required      the member must be present
//	sensitive     the value must not appear in messages or audit events
//	len=1:2048    number of code points of a string, or bytes of a blob
//	range=1:1000  value of a number
//	pattern=name  a row of the table of patterns
//	enum=Name     a row of the table of enums
//	count=0:10    number of elements of a list; the other words apply to each element
package api

// Empty is the response of operations that return nothing.
type Empty struct{}
