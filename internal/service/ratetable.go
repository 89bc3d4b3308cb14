package service

import (
	"fmt"
	"strconv"
	"strings"
)

// rateTable gives the classes of operations, and how many requests of a class one
// principal may make in a second. An account may make twice as many. After a pause a
// principal may make at once what burst seconds allow. Each operation has one class.
//
// The classes follow "Request quotas" in the developer guide. The rates are far higher
// than the rates there: no client meets them that does not attack.
const rateTable = `
cryptographic   50000  Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateMac VerifyMac GenerateRandom
asymmetric      20000  Sign Verify DeriveSharedSecret Encapsulate Decapsulate
pairs            1000  GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext
import            500  GetParametersForImport ImportKeyMaterial DeleteImportedKeyMaterial
creation         2000  CreateKey ReplicateKey CreateAlias CreateGrant
change           2000  CancelKeyDeletion DeleteAlias DisableKey DisableKeyRotation EnableKey EnableKeyRotation PutKeyPolicy RetireGrant
change           2000  RevokeGrant RotateKeyOnDemand ScheduleKeyDeletion TagResource UntagResource UpdateAlias UpdateKeyDescription
change           2000  UpdatePrimaryRegion
look            10000  DescribeCustomKeyStores DescribeKey GetKeyLastUsage GetKeyPolicy GetKeyRotationStatus GetPublicKey GetCallerIdentity
list             2000  ListAliases ListGrants ListKeyPolicies ListKeyRotations ListKeys ListResourceTags ListRetirableGrants
session          2000  AssumeRole AssumeRoleWithWebIdentity GetSessionToken
administration   1000  DeleteIdentity ExplainDecision ListIdentities PutAccount PutPolicy PutProvider PutRole PutUser RecreateKey
administration   1000  RevokeSessions RotateAccessKey SetIdentityState ShowIdentity ExplainSignature MoveClock ShowClock
`

// burst is how many seconds of a rate may be used at once.
const burst = 10

// rateRows is the parsed table, which is never written to.
var rateRows = parseRates(rateTable)

// A rateRow is a class of operations.
type rateRow struct {
	class      string
	perSecond  int // of one principal
	operations []string
}

// parseRates reads the table. Broken text is a fault of the program and panics.
func parseRates(table string) (rows []rateRow) {
	for line := range strings.Lines(strings.TrimSpace(table)) {
		f := strings.Fields(line)
		perSecond, err := strconv.Atoi(f[1])
		if err != nil {
			panic(fmt.Sprintf("service: not a line of the table of rates: %q", line))
		}
		if n := len(rows); n > 0 && rows[n-1].class == f[0] {
			rows[n-1].operations = append(rows[n-1].operations, f[2:]...)
			continue
		}
		rows = append(rows, rateRow{f[0], perSecond, f[2:]})
	}
	return rows
}

// DefaultRates returns the requests in a second that one principal may make, by class.
func DefaultRates() map[string]int {
	all := map[string]int{}
	for _, row := range rateRows {
		all[row.class] = row.perSecond
	}
	return all
}

// classOf returns the place of an operation's class in rateRows, or -1.
func classOf(operation string) int {
	for i, row := range rateRows {
		for _, name := range row.operations {
			if name == operation {
				return i
			}
		}
	}
	return -1
}
