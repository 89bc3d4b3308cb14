package service

// operations is the table of contents: every operation that is served, in
// alphabetical order.
func operations(dev bool) map[string]Operation {
	rows := []Operation{
		cancelKeyDeletion,
		createAlias,
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
		listKeyPolicies,
		listKeys,
		listResourceTags,
		putKeyPolicy,
		reEncrypt,
		scheduleKeyDeletion,
		tagResource,
		untagResource,
		updateAlias,
		updateKeyDescription,
	}
	if dev {
		rows = append(rows, moveClock, showClock)
	}
	table := make(map[string]Operation, len(rows))
	for _, row := range rows {
		table[row.Name] = row
	}
	return table
}
