// Package policy decides whether a principal may act on a resource, and says why.
//
// [Parse] reads a document of the IAM policy language once; [Decide] holds a
// request against documents and grants; [Explain] decides the same by the same
// code and tells of every statement what came of it. The language is that of
// "IAM JSON policy element reference" in the IAM user guide, the order of a
// decision that of "Policy evaluation logic" there and of "Key policies" and
// "Grants" in the developer guide of AWS KMS.
//
// In three things the package is stricter than the language is said to be. A
// statement with an operator or a condition key that nobody knows, which may be
// a slip of the pen, never allows and always denies. So does a statement that
// compares several values of a request by an operator for one, or that has a variable
// for one value where the request has several; and a statement whose resources or
// conditions would cost more than a decision may.
//
// Everything is a value or a pure function of values, with time as an argument.
// The package knows neither keys nor identities: whoever asks gives the
// documents and the values of condition keys.
package policy
