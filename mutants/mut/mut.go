// Package mut makes changes that command mutants has compiled into a program. Each function makes the original
// operation, or the changed one if the environment chooses the place with the given number. No other code of this
// module imports the package: the command adds the import and the calls in an overlay of the go command.
package mut

import "cmp"

// number is a type with arithmetic.
type number interface{ integer | ~float32 | ~float64 }

type integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

// Not returns the opposite of a condition. "a && b" becomes "a || b" where a, b and the whole are negated.
func Not(place int, condition bool) bool { return condition != On(place) }

// If returns one of two constants.
func If[T any](place int, changed, original T) T {
	if On(place) {
		return changed
	}
	return original
}

// Zero returns nil instead of an error.
func Zero[T any](place int, original T) T {
	var zero T
	return If(place, zero, original)
}

func Lss[T cmp.Ordered](place int, a, b T) bool { return If(place, a <= b, a < b) }
func Leq[T cmp.Ordered](place int, a, b T) bool { return If(place, a < b, a <= b) }
func Gtr[T cmp.Ordered](place int, a, b T) bool { return If(place, a >= b, a > b) }
func Geq[T cmp.Ordered](place int, a, b T) bool { return If(place, a > b, a >= b) }

func Add[T number](place int, a, b T) T { return If(place, a-b, a+b) }
func Sub[T number](place int, a, b T) T { return If(place, a+b, a-b) }

func And[T integer](place int, a, b T) T { return If(place, a|b, a&b) }
func Or[T integer](place int, a, b T) T  { return If(place, a&b, a|b) }
func Xor[T integer](place int, a, b T) T { return If(place, a&b, a^b) }

// The functions below make only one of the two operations, because the other one can panic.

func Mul[T number](place int, a, b T) T {
	if On(place) {
		return a / b
	}
	return a * b
}

func Quo[T number](place int, a, b T) T {
	if On(place) {
		return a * b
	}
	return a / b
}

func Rem[T integer](place int, a, b T) T {
	if On(place) {
		return a * b
	}
	return a % b
}

func Shl[T, U integer](place int, a T, b U) T {
	if On(place) {
		return a >> b
	}
	return a << b
}

func Shr[T, U integer](place int, a T, b U) T {
	if On(place) {
		return a << b
	}
	return a >> b
}
