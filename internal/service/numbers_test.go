package service

import (
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/listtest"
)

// Limits and times have these values. The other tests name them, and so would pass with any value. A change of a number
// here changes a promise of the server, or the work and memory that a request can cost.
func TestNumbers(t *testing.T) {
	listtest.Numbers(t, [][3]any{
		// the quotas and durations of IAM and STS
		{"characters of a managed policy", maxManagedPolicy, 6144},
		{"characters of an inline policy of a user", maxInlineOfUser, 2048},
		{"characters of an inline policy of a role", maxInlineOfRole, 10240},
		{"characters of a trust policy", maxTrustPolicy, 8192},
		{"characters of session policies", maxSessionPolicies, 2048},
		{"bytes of packed policies and tags", maxPacked, 5120},
		{"seconds of a session of a role", defaultSession, 3600},
		{"seconds of a chained session", maxChained, 3600},
		{"seconds of a session of a user", defaultUserSession, 43200},
		{"seconds of a session of a root", maxRootSession, 3600},
		{"validity of an import token", tokenValidity, 24 * time.Hour},

		// what strangers and tenants can make the server keep or compute
		{"recorded refusals of a network", strangersByNetwork, admit.Limit{PerSecond: 0.1, Burst: 10}},
		{"recorded refusals in all", strangersInAll, admit.Limit{PerSecond: 2, Burst: 100}},
		{"pause between refusals of strangers", answerEvery, 10 * time.Millisecond},
		{"longest delay of a refusal", maxDelay, 5 * time.Second},
		{"networks with a rate of their own", maxNetworks, 4096},
		{"networks in a report", maxReported, 20},
		{"interval of the reports", reportEvery, time.Minute},
		{"principals with a rate of their own", ratedPrincipals, 4096},
		{"accounts with a rate of their own", ratedAccounts, 1024},
		{"seconds of a rate at once", burst, 10},
		{"interval of recorded refusals of a rate", recordEvery, time.Minute},
		{"changes that wait", changesAtOnce, admit.Bounds{Places: 1, PerName: 128, Total: 1024}},
		{"explanations that wait", explaining, admit.Bounds{Places: 1, PerName: 4, Total: 16}},
		{"refusals that are kept for explanations", maxRefusals, 20},
		{"grants in an explanation", maxExplainedGrants, 100},
		{"long computations of a principal", longPerName, 16},
		{"long computations", longInAll, 256},
		{"brief computations of a principal", briefPerName, 4096},
		{"brief computations", briefInAll, 16384},
		{"wait for a computation", patience, 20 * time.Second},
		{"size of a large body", largeBody, 2048},
		{"size of a long document", longDocument, 2048},
		{"duration of a refusal", refusalTime, 2 * time.Millisecond},
		{"random extra time of a refusal", maxExtraTime, time.Millisecond},
		{"refusals that wait", maxPausing, 32},
		{"decisions from memory", maxConfirmations, 2},
		{"bytes of compiled policies", maxCompiled, 67_108_864},
		{"bytes of an entry of a text", textEntry, 128},
		{"bytes of an entry of a document", documentEntry, 192},
		{"identities with compiled policies", maxKeptDocuments, 10_000},
		{"keys with a last use in memory", maxUsages, 100_000},
		{"last uses in a transaction", usageBatch, 64},
		{"wait for the writing of last uses", usagePatience, 10 * time.Second},
		{"pause between writings of last uses", usagePause, time.Minute},
		{"interval of writings of a key's last use", usageInterval, time.Hour},
		{"clock skew of an issued session", maxSessionSkew, 5 * time.Minute},
		{"scopes that UnservedRegions looks at", maxScopes, 10_000},

		// what docs/storage.md and docs/cluster.md say about background work
		{"pause between sweeps", sweepPause, time.Second},
		{"due changes in a read", sweepPage, 100},
		{"time of a change for its own node", sharingPatience, 5 * time.Second},
		{"grants in a transaction", grantPage, 18},
		{"transactions of grants in a sweep", removalPages, 25},
		{"records in a transaction of a migration", migrationPage, 40},
		{"pause before the clock is read again", clockPause, 10 * time.Millisecond},
		{"wait of a decision for the store", engineTime, time.Second},
	})
	u := newKeyUsage(nil, nil, nil, nil)
	close(u.done)
	if u.gone.Wait(); u.max != 100_000 {
		t.Errorf("memory holds the last uses of %d keys", u.max)
	}
}
