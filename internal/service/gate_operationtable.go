package service

import (
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
)

// approvedOperations returns every operation by its name. They refuse algorithms that are not approved, unless
// approved is nil.
func approvedOperations(dev bool, approved func(name string) bool) map[string]Operation {
	table := operations(dev)
	if approved != nil {
		for name, o := range table {
			table[name] = o.approvedOnly(approved)
		}
	}
	return table
}

// operations returns every operation by its name.
func operations(dev bool) map[string]Operation {
	rows := operationRows(dev)
	table := make(map[string]Operation, len(rows))
	tracked := api.Enum("KeyLastUsageTrackingOperation")
	for _, row := range rows {
		row.usesKeys = slices.Contains(tracked, row.Name)
		row.usesMaterial = row.usesKeys || slices.Contains(takesMaterial, row.Name)
		row.usesReserve = slices.Contains(usesReserve, row.Name)
		row.acrossAccounts = row.usesKeys || slices.Contains(acrossAccounts, row.Name)
		row.readsThrough = readsThrough(row)
		row.onlyAdds = slices.Contains(onlyAdds, row.Name)
		row.class = classOf(row.Name)
		if isListing(row) {
			row.run = inTurn(row.run)
		}
		table[row.Name] = row
	}
	for i, name := range OperationNames() {
		if row, ok := table[name]; ok {
			row.Number = i + 1
			table[name] = row
		}
	}
	return table
}

// OperationNames returns the names of all operations that a server can serve. The index of a name is the Number of the
// operation, less 1.
func OperationNames() (names []string) {
	for _, row := range operationRows(true) {
		names = append(names, row.Name)
	}
	slices.Sort(names)
	return names
}

// operationRows is the table of all operations that the server serves, by API and in
// alphabetical order.
func operationRows(dev bool) []Operation {
	rows := of(api.TargetKMS,
		cancelKeyDeletion,
		createAlias,
		createGrant,
		createKey,
		decapsulate,
		decrypt,
		deleteAlias,
		deleteImportedKeyMaterial,
		deriveSharedSecret,
		describeCustomKeyStores,
		describeKey,
		disableKey,
		disableKeyRotation,
		enableKey,
		enableKeyRotation,
		encapsulate,
		encrypt,
		generateDataKey,
		generateDataKeyPair,
		generateDataKeyPairWithoutPlaintext,
		generateDataKeyWithoutPlaintext,
		generateMac,
		generateRandom,
		getKeyLastUsage,
		getKeyPolicy,
		getKeyRotationStatus,
		getParametersForImport,
		getPublicKey,
		importKeyMaterial,
		listAliases,
		listGrants,
		listKeyPolicies,
		listKeyRotations,
		listKeys,
		listResourceTags,
		listRetirableGrants,
		putKeyPolicy,
		reEncrypt,
		replicateKey,
		retireGrant,
		revokeGrant,
		rotateKeyOnDemand,
		scheduleKeyDeletion,
		sign,
		tagResource,
		untagResource,
		updateAlias,
		updateKeyDescription,
		updatePrimaryRegion,
		verifySignature,
		verifyMac,
	)
	rows = append(rows, of(api.TargetSTS, assumeRole, assumeRoleWithWebIdentity, getCallerIdentity, getSessionToken)...)
	rows = append(rows, of(api.TargetAdmin,
		backupAll,
		deleteIdentity,
		explainDecision,
		listIdentities,
		listKeySummaries,
		proveEvent,
		putAccount,
		putPolicy,
		putProvider,
		putRole,
		putUser,
		queryAudit,
		recreateKey,
		revokeSessions,
		rotateAccessKey,
		sealMigrate,
		sealRotate,
		sealStatus,
		setIdentityState,
		showIdentity,
		statusOfServer,
	)...)
	if dev {
		rows = append(rows, of(api.TargetDev, explainSignature, moveClock, showClock)...)
	}
	return rows
}

// acrossAccounts lists the operations, besides the cryptographic ones, that can use keys of
// other accounts. A permission for another operation has no effect on keys of other accounts.
// Source: "Allowing users in other accounts to use a KMS key".
var acrossAccounts = strings.Fields(
	"CreateGrant DescribeKey GetKeyRotationStatus GetPublicKey ListGrants RetireGrant RevokeGrant")

// of returns the rows with the API to which they belong.
func of(target string, rows ...Operation) []Operation {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Target = target
	}
	return rows
}
