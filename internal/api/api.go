// Package api defines the requests, responses and errors of the wire API, and
// nothing that sends them. It reads and writes bodies, holds the constraints on
// members beside the members, and knows no key, store, caller or HTTP.
//
// A request type has one field for each member, spelt as on the wire. A nil
// field is an absent member; a pointer to a zero value, or an empty blob, list
// or map that is not nil, is a member that was given and is empty. Enums are
// strings whose values stand in one table ([Enum]). A response differs in one
// thing: members that are always sent are plain values.
//
// The constraints stand in a `kms` struct tag, from which [ShapeOf] builds a
// plan once. Its words, joined by commas and checked in their order:
//
//	required      the member must be there
//	sensitive     the value is in no message and in no audit event
//	len=1:2048    code points of a string, bytes of a blob
//	range=1:1000  value of a number
//	pattern=name  a row of the table of patterns
//	enum=Name     a row of the table of enums
//	count=0:10    elements of a list; the other words speak of each element
package api

// Empty is the response of the operations that answer nothing.
type Empty struct{}
