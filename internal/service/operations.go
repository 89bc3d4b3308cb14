package service

import (
	"slices"

	"github.com/keyhold/keyhold/internal/api"
)

// operations is the table of contents: every operation that is served, in
// alphabetical order.
func operations(dev bool) map[string]Operation {
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
	rows = append(rows, of(api.TargetAdmin, explainDecision, recreateKey)...)
	if dev {
		rows = append(rows, of(api.TargetDev, explainSignature, moveClock, showClock)...)
	}
	table := make(map[string]Operation, len(rows))
	tracked := api.Enum("KeyLastUsageTrackingOperation")
	for _, row := range rows {
		row.usesKeys = slices.Contains(tracked, row.Name)
		table[row.Name] = row
	}
	return table
}

// of returns the rows as those of an API.
func of(target string, rows ...Operation) []Operation {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Target = target
	}
	return rows
}
