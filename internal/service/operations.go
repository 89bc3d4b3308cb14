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
		decrypt,
		deleteAlias,
		deleteImportedKeyMaterial,
		describeKey,
		disableKey,
		disableKeyRotation,
		enableKey,
		enableKeyRotation,
		encrypt,
		generateDataKey,
		generateDataKeyWithoutPlaintext,
		generateRandom,
		getKeyPolicy,
		getKeyRotationStatus,
		getParametersForImport,
		importKeyMaterial,
		listAliases,
		listGrants,
		listKeyPolicies,
		listKeys,
		listResourceTags,
		listRetirableGrants,
		putKeyPolicy,
		reEncrypt,
		replicateKey,
		retireGrant,
		revokeGrant,
		scheduleKeyDeletion,
		tagResource,
		untagResource,
		updateAlias,
		updateKeyDescription,
		updatePrimaryRegion,
	)
	rows = append(rows, of(api.TargetAdmin, recreateKey)...)
	if dev {
		rows = append(rows, of(api.TargetDev, explainSignature, moveClock, showClock)...)
	}
	table := make(map[string]Operation, len(rows))
	for _, row := range rows {
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
