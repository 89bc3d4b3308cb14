package naive

import (
	"bytes"
	"encoding/base64"
	"math/big"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// comparison returns the function that compares a value of the policy with a value of the request for an
// operator that is not negated, or nil for an unknown operator. Text that is not a number, date, Boolean or
// address matches nothing. Source: "IAM JSON policy elements: Condition operators".
func comparison(name string) func(wanted, value string) bool {
	switch name {
	case "stringequals":
		return func(w, v string) bool { return unliteral(w) == v }
	case "stringequalsignorecase":
		return func(w, v string) bool { return strings.EqualFold(unliteral(w), v) }
	case "stringlike":
		return like
	case "arnequals", "arnlike": // "behave identically"
		return arnLike
	case "bool":
		return sameBoolean
	case "binaryequals":
		return sameBytes
	case "ipaddress":
		return contains
	}
	if relation, ok := strings.CutPrefix(name, "numeric"); ok {
		return numbers(relation)
	}
	if relation, ok := strings.CutPrefix(name, "date"); ok {
		return dates(relation)
	}
	return nil
}

// relationTest returns a test of the result of a comparison: -1, 0 or 1.
func relationTest(relation string) func(int) bool {
	switch relation {
	case "equals":
		return func(c int) bool { return c == 0 }
	case "lessthan":
		return func(c int) bool { return c < 0 }
	case "lessthanequals":
		return func(c int) bool { return c <= 0 }
	case "greaterthan":
		return func(c int) bool { return c > 0 }
	case "greaterthanequals":
		return func(c int) bool { return c >= 0 }
	}
	return nil
}

func numbers(relation string) func(wanted, value string) bool {
	test := relationTest(relation)
	if test == nil {
		return nil
	}
	return func(wanted, value string) bool {
		w, ok := number(wanted)
		v, ok2 := number(value)
		return ok && ok2 && test(v.Cmp(w))
	}
}

var decimal = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$`)

// number parses "an integer or decimal value". A policy can also contain it without quotation marks, so an
// exponent is allowed.
func number(s string) (*big.Rat, bool) {
	if !decimal.MatchString(s) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func dates(relation string) func(wanted, value string) bool {
	test := relationTest(relation)
	if test == nil {
		return nil
	}
	return func(wanted, value string) bool {
		w, ok := date(wanted)
		v, ok2 := date(value)
		return ok && ok2 && test(v.Cmp(w))
	}
}

// date parses "one of the W3C implementations of the ISO 8601 date formats or epoch (UNIX) time", and returns
// epoch time.
func date(s string) (*big.Rat, bool) {
	for _, layout := range []string{"2006", "2006-01", "2006-01-02", "2006-01-02T15:04Z07:00",
		"2006-01-02T15:04:05Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			fraction := big.NewRat(int64(t.Nanosecond()), int64(time.Second))
			return fraction.Add(fraction, big.NewRat(t.Unix(), 1)), true
		}
	}
	return number(s)
}

func sameBoolean(wanted, value string) bool {
	w, ok := boolean(wanted)
	v, ok2 := boolean(value)
	return ok && ok2 && w == v
}

func boolean(s string) (value, ok bool) {
	s = strings.ToLower(s)
	return s == "true", s == "true" || s == "false"
}

// sameBytes decodes both values from base64 and reports whether they are equal "byte for byte".
func sameBytes(wanted, value string) bool {
	w, err := base64.StdEncoding.DecodeString(wanted)
	v, err2 := base64.StdEncoding.DecodeString(value)
	return err == nil && err2 == nil && bytes.Equal(w, v)
}

// contains reports whether an address or CIDR block contains an address.
func contains(wanted, value string) bool {
	v, err := netip.ParseAddr(value)
	if err != nil {
		return false
	}
	if w, err := netip.ParseAddr(wanted); err == nil {
		return w == v
	}
	block, err := netip.ParsePrefix(wanted)
	return err == nil && block.Contains(v)
}
