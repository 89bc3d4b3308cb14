package crypt

import (
	"math"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/kwp/subtle"
)

// maxT is the value of Welch's t above which two series of times count as different. By chance, it is exceeded
// once in a hundred thousand comparisons.
const maxT = 4.5

// All failures of hybrid unwrapping with the right length take the same time, so a client cannot measure which
// part failed. The test runs only with KEYHOLD_TIMING, the number of samples per comparison (see make timing),
// on a machine without other load.
func TestUnwrapTiming(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("KEYHOLD_TIMING"))
	if n == 0 {
		t.Skip("it measures time: make timing runs it")
	}
	w := wrappingKey(t, "RSA_2048")
	material := Random(1219)
	with := func(first, sessionKey []byte) []byte {
		kwp, err := subtle.NewKWP(sessionKey)
		if err != nil {
			t.Fatal(err)
		}
		second, err := kwp.Wrap(material)
		if err != nil {
			t.Fatal(err)
		}
		return append(first, second...)
	}
	noOAEP := func() []byte {
		first := Random(256)
		first[0] = 0 // below the modulus
		return with(first, Random(32))
	}
	for name, other := range map[string]func() []byte{
		"another AES key":  func() []byte { return with(oaep(t, w, Random(32)), Random(32)) },
		"no AES key":       func() []byte { return with(oaep(t, w, Random(31)), Random(32)) },
		"damaged material": func() []byte { k := Random(32); b := with(oaep(t, w, k), k); b[700] ^= 1; return b },
		"nothing else":     noOAEP, // compares the case with itself
	} {
		all, cropped := compareTimes(t, w, n, noOAEP, other)
		t.Logf("no OAEP against %s: t = %.2f, without the slowest tenth %.2f, over %d samples", name, all, cropped, n)
		if math.Abs(all) > maxT || math.Abs(cropped) > maxT {
			t.Errorf("no OAEP and %s take different times", name)
		}
	}
}

// compareTimes measures n failures of two kinds in random order. It returns Welch's t of all times, and without
// the slowest tenth, which other activity of the machine may have caused.
func compareTimes(t *testing.T, w *WrappingKey, n int, a, b func() []byte) (all, cropped float64) {
	var times [2][]float64
	var wrapped []byte // at the same address for both kinds
	for range n {
		kind := mathrand.IntN(2)
		wrapped = append(wrapped[:0], []func() []byte{a, b}[kind]()...)
		before := time.Now()
		_, err := w.Unwrap("RSA_AES_KEY_WRAP_SHA_256", wrapped)
		took := time.Since(before)
		if err != ErrUnwrap {
			t.Fatal(err)
		}
		times[kind] = append(times[kind], float64(took))
	}
	both := slices.Sorted(slices.Values(slices.Concat(times[0], times[1])))
	limit := both[len(both)*9/10]
	slow := func(took float64) bool { return took > limit }
	all = welch(times[0], times[1])
	return all, welch(slices.DeleteFunc(times[0], slow), slices.DeleteFunc(times[1], slow))
}

// welch returns t of Welch's test: the difference of the means divided by its standard error.
func welch(a, b []float64) float64 {
	meanA, errorA := meanOf(a)
	meanB, errorB := meanOf(b)
	return (meanA - meanB) / math.Sqrt(errorA+errorB)
}

// meanOf returns the mean and its variance.
func meanOf(values []float64) (mean, variance float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		variance += (v - mean) * (v - mean)
	}
	n := float64(len(values))
	return mean, variance / (n - 1) / n
}

// The test detects a difference of one percent.
func TestWelch(t *testing.T) {
	r := mathrand.New(mathrand.NewPCG(1, 2))
	series := func(mean float64) (s []float64) {
		for range 10_000 {
			s = append(s, mean+10*r.NormFloat64())
		}
		return s
	}
	if got := welch(series(100), series(100)); math.Abs(got) > maxT {
		t.Errorf("equal series: %f", got)
	}
	if got := welch(series(100), series(101)); got > -maxT {
		t.Errorf("different series: %f", got)
	}
}
