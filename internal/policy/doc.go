// Package policy decides whether a principal may perform an action on a resource, and explains the decision.
//
// [Parse] compiles a document of the IAM policy language. [Decide] evaluates a request against documents and
// grants. [Explain] runs the same code and also reports the result of every statement. The language is
// specified in "IAM JSON policy element reference" in the IAM user guide. The order of a decision follows
// "Policy evaluation logic" in the same guide, and "Key policies" and "Grants" in the developer guide of AWS
// KMS.
//
// The package is stricter than the documentation in three cases, in which a statement never allows and always
// denies: it has an unknown operator or condition key, which may be a typing error; it compares several values
// of a request with an operator for one value, or uses a variable for one value for which the request has
// several; or its resources or conditions would exceed the work limit of a decision.
//
// All functions are pure functions of values, with time as an argument. The package knows neither keys nor
// identities: callers provide the documents and the values of condition keys.
package policy
