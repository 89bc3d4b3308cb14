package service

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
)

// maxT is the threshold at which two series of times count as different. By chance, Welch's t is
// larger once in a hundred thousand comparisons.
const maxT = 4.5

// The time of a refusal does not reveal whether a key exists. KEYHOLD_EXISTENCE is the number of
// samples of each comparison. Without it there are too few samples for a result: make existence
// runs the test on an otherwise idle machine. The comparisons run side by side, because they wait most of the time.
func TestExistenceTiming(t *testing.T) {
	n := count(t, "KEYHOLD_EXISTENCE", 100)
	c := newAccessTest(t)
	c.user("mallory")
	c.user("other/zoe", with(c.identity("allow kms:*")))
	there, crowded, gone := c.key(), c.key(), c.key()
	ref, err := key.ParseReference(crowded, homeAccount, "eu-west-2")
	if err != nil {
		t.Fatal(err)
	}
	fillWithGrants(t, c.Service, key.Key{ID: ref.KeyID, Account: ref.Account, Region: ref.Region}, 1000)
	own := c.key()
	ownRef, err := key.ParseReference(own, homeAccount, "eu-west-2")
	if err != nil {
		t.Fatal(err)
	}
	addUnmatchedGrants(t, c.Service, key.Key{ID: ownRef.KeyID, Account: ownRef.Account, Region: ownRef.Region}, key.Principal(who("mallory")), 1000)
	blob, goneBlob := ciphertext(c.blob(there)), ciphertext(c.blob(gone))
	c.changeKey(gone, func(k *key.Key) { k.State, k.DeletionDate = key.PendingDeletion, c.clock.Now().Add(-1) })
	for name, pair := range map[string][2]attempt{
		"a forbidden key and a missing one":                      {c.as("mallory").asks("Encrypt", there), c.as("mallory").asks("Encrypt", missingKey)},
		"one with many grants and a missing one":                 {c.as("mallory").asks("Encrypt", crowded), c.as("mallory").asks("Encrypt", missingKey)},
		"one with many of the caller's grants and a missing one": {c.as("mallory").asks("Encrypt", own), c.as("mallory").asks("Encrypt", missingKey)},
		"one of another account and a missing one":               {c.as("other/zoe").asks("Encrypt", there), c.as("other/zoe").asks("Encrypt", missingKey)},
		"a ciphertext of a forbidden key and a missing":          {c.as("mallory").asks("Decrypt", "", blob), c.as("mallory").asks("Decrypt", "", goneBlob)},
		"a forbidden key and itself":                             {c.as("mallory").asks("Encrypt", there), c.as("mallory").asks("Encrypt", there)}, // shows the accuracy of the measurement
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, cropped := compareTimes(t, n, pair)
			t.Logf("t = %.2f, without the slowest tenth %.2f, over %d samples", all, cropped, n)
			if os.Getenv("KEYHOLD_EXISTENCE") != "" && (math.Abs(all) > maxT || math.Abs(cropped) > maxT) {
				t.Error("they take different times")
			}
		})
	}
}

// compareTimes measures n refusals of two kinds in random order. It returns Welch's t of all
// times, and of the times without the slowest tenth, which the machine delayed.
func compareTimes(t *testing.T, n int, pair [2]attempt) (all, cropped float64) {
	t.Helper()
	var times [2][]float64
	for range n {
		kind := rand.IntN(2)
		before := time.Now()
		err := pair[kind]()
		times[kind] = append(times[kind], float64(time.Since(before)))
		if err == nil || strings.Contains(err.Error(), "internal") {
			t.Fatal(err)
		}
	}
	both := slices.Sorted(slices.Values(slices.Concat(times[0], times[1])))
	slow := func(took float64) bool { return took > both[len(both)*9/10] }
	all = welch(times[0], times[1])
	return all, welch(slices.DeleteFunc(times[0], slow), slices.DeleteFunc(times[1], slow))
}

// welch returns t of Welch's test: the difference of the means in units of its own
// standard error.
func welch(a, b []float64) float64 {
	meanA, errorA := meanOf(a)
	meanB, errorB := meanOf(b)
	return (meanA - meanB) / math.Sqrt(errorA+errorB)
}

// meanOf returns the mean, and its variance.
func meanOf(values []float64) (mean, variance float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / (n - 1) / n
}
