package policy

import (
	"encoding/base64"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// operands are the values of a condition, prepared for comparison with values of a request. It does not contain
// values that do not have the operator's type, because such values match nothing. A negated operator is
// therefore true for them; the documentation is silent about this case.
type operands struct {
	strings patterns       // text, folded text, globs, ARNs, bytes, Booleans and null
	ordered []float64      // numbers, and dates in seconds; sorted
	nets    []netip.Prefix // addresses
}

// compileValues compiles the values of a condition. Only strings and ARNs can contain variables. Source: "IAM policy
// elements: Variables and tags", "Where you can use policy variables".
func (c *compiler) compileValues(o *operator, values []string) (w operands) {
	x := syntax{variables: c}
	switch o.compares {
	case "folded":
		w.strings = newPatterns(each(values, foldedText), x, anyCase)
	case "globs":
		w.strings = newPatterns(values, syntax{true, c, 0}, anyText)
	case "arns":
		w.strings = newPatterns(values, syntax{true, c, 0}, ofARN)
	case "numbers":
		w.ordered = each(values, number)
	case "dates":
		w.ordered = each(values, date)
	case "nets":
		w.nets = each(values, network)
	case "bytes":
		w.strings = newPatterns(each(values, binary), syntax{}, anyText)
	case "bools", "null":
		w.strings = newPatterns(each(values, boolean), syntax{}, anyText)
	default:
		w.strings = newPatterns(values, x, anyText)
	}
	slices.Sort(w.ordered)
	w.ordered = slices.Clip(slices.Compact(w.ordered))
	return w
}

// each converts the values and leaves out those that form rejects.
func each[T any](values []string, form func(string) (T, bool)) []T {
	all := make([]T, 0, len(values))
	for _, v := range values {
		if t, ok := form(v); ok {
			all = append(all, t)
		}
	}
	return all
}

// match compares a value of a request, ignoring the negation of the operator. The caller has already spent the
// cost.
func (w *operands) match(o *operator, value string, e *evaluation) outcome {
	switch o.compares {
	case "folded":
		return w.strings.matchUncounted(Fold(value), e)
	case "arns":
		return w.matchARN(value, e)
	case "numbers":
		return w.compare(o.relation, value, number)
	case "dates":
		return w.compare(o.relation, value, date)
	case "nets":
		return w.matchAddress(value)
	case "bytes":
		return w.matchConverted(value, binary, e)
	case "bools":
		return w.matchConverted(value, boolean, e)
	}
	return w.strings.matchUncounted(value, e)
}

// compare reports whether the relation holds for one of the values. For "less than", it is enough to compare
// with the largest.
func (w *operands) compare(relation, value string, form func(string) (float64, bool)) outcome {
	v, ok := form(value)
	if !ok || len(w.ordered) == 0 {
		return no
	}
	least, most := w.ordered[0], w.ordered[len(w.ordered)-1]
	switch relation {
	case "<":
		return answer(v < most)
	case "<=":
		return answer(v <= most)
	case ">":
		return answer(v > least)
	case ">=":
		return answer(v >= least)
	}
	_, found := slices.BinarySearch(w.ordered, v)
	return answer(found)
}

// matchARN compares ARNs. Source: "IAM JSON policy elements: Condition operators", about ArnLike: "Each of the six
// colon-delimited components of the ARN is checked separately". Text with fewer components is not an ARN and
// matches nothing. A pattern with fewer components matches nothing either.
func (w *operands) matchARN(value string, e *evaluation) outcome {
	if !isARN(value) {
		return no
	}
	return w.strings.matchUncounted(value, e)
}

// isARN reports whether a text has the six components of an ARN.
func isARN(s string) bool { return strings.Count(s, ":") >= 5 }

func (w *operands) matchAddress(value string) outcome {
	if len(value) > longestAddress {
		return no
	}
	address, err := netip.ParseAddr(value)
	if err != nil {
		return no
	}
	address = address.Unmap().WithZone("")
	return answer(slices.ContainsFunc(w.nets, func(n netip.Prefix) bool { return n.Contains(address) }))
}

func (w *operands) matchConverted(value string, form func(string) (string, bool), e *evaluation) outcome {
	value, ok := form(value)
	if !ok {
		return no
	}
	return w.strings.matchUncounted(value, e)
}

// number parses an integer or a decimal number.
func number(s string) (float64, bool) {
	if strings.Trim(s, "+-.0123456789eE") != "" { // ParseFloat would also accept inf, nan and 0x1p-2
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// longestDate and longestAddress are the lengths, rounded up, of the longest date (with nanoseconds and an
// offset) and the longest address (with eight groups and a zone).
const longestDate, longestAddress = 64, 64

// date parses a time, in a form of W3C's note "Date and Time Formats" or in seconds since 1970.
func date(s string) (float64, bool) {
	for _, layout := range layouts(len(s)) {
		if t, err := time.Parse(layout, s); err == nil {
			return float64(t.Unix()) + float64(t.Nanosecond())/1e9, true
		}
	}
	return number(s)
}

// layouts returns the possible forms of a time with this length.
func layouts(length int) []string {
	switch {
	case length == len("2006"):
		return []string{"2006"}
	case length == len("2006-01"):
		return []string{"2006-01"}
	case length == len("2006-01-02"):
		return []string{"2006-01-02"}
	case length > len("2006-01-02") && length <= longestDate:
		return []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00"}
	}
	return nil
}

// network parses an address or a range of addresses.
func network(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), true
}

// Fold returns a text with all letters in one case. Two texts fold to the same text if strings.EqualFold calls
// them equal.
func Fold(s string) string { return strings.Map(fold, s) }

func foldedText(s string) (string, bool) { return Fold(s), true }

// fold returns, in lower case, the character that represents all characters that differ from c only by case:
// the statuses S and C in Unicode's CaseFolding.txt, which map one character to one.
func fold(c rune) rune {
	if c < utf8.RuneSelf && !('A' <= c && c <= 'Z') {
		return c
	}
	least := c
	for d := unicode.SimpleFold(c); d != c; d = unicode.SimpleFold(d) {
		least = min(least, d)
	}
	if least == c && unicode.SimpleFold(c) == c {
		return c // its lower case could be another character's
	}
	return unicode.ToLower(least)
}

func boolean(s string) (string, bool) {
	if len(s) > len("false") {
		return "", false
	}
	s = strings.ToLower(s)
	return s, s == "true" || s == "false"
}

func binary(s string) (string, bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	return string(b), err == nil
}
