package policy

import "strings"

// operators lists the operators of "IAM JSON policy elements: Condition operators": the name, the type of the
// values, the relation, and whether the operator is negated.
const operators = `
StringEquals               text    =
StringNotEquals            text    =   not
StringEqualsIgnoreCase     folded  =
StringNotEqualsIgnoreCase  folded  =   not
StringLike                 globs   =
StringNotLike              globs   =   not
ArnEquals                  arns    =
ArnNotEquals               arns    =   not
ArnLike                    arns    =
ArnNotLike                 arns    =   not
NumericEquals              numbers =
NumericNotEquals           numbers =   not
NumericLessThan            numbers <
NumericLessThanEquals      numbers <=
NumericGreaterThan         numbers >
NumericGreaterThanEquals   numbers >=
DateEquals                 dates   =
DateNotEquals              dates   =   not
DateLessThan               dates   <
DateLessThanEquals         dates   <=
DateGreaterThan            dates   >
DateGreaterThanEquals      dates   >=
IpAddress                  nets    =
NotIpAddress               nets    =   not
Bool                       bools   =
BinaryEquals               bytes   =
Null                       null    =
`

// An operator defines how a condition compares.
type operator struct {
	compares string // a word of the table; "" if the operator is unknown
	relation string
	negated  bool
	ifExists bool
	over     set
}

// A set defines how many of the request's values must match.
type set uint8

const (
	theOne set = iota
	forAll
	forAny
)

var operatorsByName = readOperators()

// readOperators returns the table by lower-case name.
func readOperators() map[string]operator {
	all := map[string]operator{}
	for line := range strings.Lines(operators) {
		if f := strings.Fields(line); len(f) > 0 {
			all[strings.ToLower(f[0])] = operator{compares: f[1], relation: f[2], negated: len(f) > 3}
		}
	}
	return all
}

// findOperator returns the operator with a name. Case does not matter: the documentation is silent, and the
// service accepts any. Null has neither IfExists nor a set. Sources: "…IfExists condition operators" on the
// same page, and "Set operators for multivalued context keys".
func findOperator(name string) operator {
	name = strings.ToLower(name)
	over := theOne
	if rest, ok := strings.CutPrefix(name, "forallvalues:"); ok {
		name, over = rest, forAll
	} else if rest, ok := strings.CutPrefix(name, "foranyvalue:"); ok {
		name, over = rest, forAny
	}
	name, ifExists := strings.CutSuffix(name, "ifexists")
	o := operatorsByName[name]
	if o.compares == "null" && (ifExists || over != theOne) {
		return operator{}
	}
	o.ifExists, o.over = ifExists, over
	return o
}
