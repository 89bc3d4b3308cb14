package main

// A step is a request. Some words in its members are replaced:
//
//	KEY, ID  the key of the trial
//	OTHER    another key
//	GRANT    the newest grant
//	IMPORT   an import token and wrapped material
//	N        a number that is unique to the request
//	LAST     the previous number
type step struct{ operation, members string }

// A race is a row in the table of races: a loop of changes during which the permission is revoked, and requests
// that show the effects of the loop.
type race struct {
	create string // members of CreateKey for the key of each trial; "" creates no key
	ready  []step // made by the root before each trial
	loop   []step
	shows  []step
}

// Steps that several races use, and members of CreateKey.
var (
	describe  = step{"DescribeKey", `{"KeyId":"KEY"}`}
	alias     = step{"CreateAlias", `{"AliasName":"alias/N","TargetKeyId":"KEY"}`}
	aliasOf   = step{"ListAliases", `{}`}
	grant     = step{"CreateGrant", `{"KeyId":"KEY",` + grantee + `,"Operations":["Decrypt"]}`}
	grantee   = `"GranteePrincipal":"arn:aws:iam::111122223333:root"`
	grantsOf  = step{"ListGrants", `{"KeyId":"KEY"}`}
	allKeys   = step{"ListKeys", `{"Limit":1000}`}
	user      = step{"PutUser", `{"Name":"u","Tags":[{"TagKey":"n","TagValue":"N"}]}`}
	showUser  = step{"ShowIdentity", `{"Kind":"user","Name":"u"}`}
	allUsers  = step{"ListIdentities", `{"Kind":"user"}`}
	generated = `{}`
	external  = `{"Origin":"EXTERNAL"}`
	family    = `{"MultiRegion":true}`
)

// keyRaces are revoked by a key policy that denies everything to the user.
var keyRaces = []race{
	{generated, nil,
		[]step{{"PutKeyPolicy", `{"KeyId":"KEY","Policy":POLICY}`}}, []step{{"GetKeyPolicy", `{"KeyId":"KEY"}`}}},
	{generated, nil,
		[]step{{"TagResource", `{"KeyId":"KEY","Tags":[{"TagKey":"t","TagValue":"N"}]}`},
			{"UntagResource", `{"KeyId":"KEY","TagKeys":["t"]}`}}, []step{{"ListResourceTags", `{"KeyId":"KEY"}`}}},
	{generated, nil, []step{{"DisableKey", `{"KeyId":"KEY"}`}, {"EnableKey", `{"KeyId":"KEY"}`}}, []step{describe}},
	{generated, nil,
		[]step{{"EnableKeyRotation", `{"KeyId":"KEY"}`}, {"DisableKeyRotation", `{"KeyId":"KEY"}`}},
		[]step{{"GetKeyRotationStatus", `{"KeyId":"KEY"}`}}},
	{generated, nil, []step{{"RotateKeyOnDemand", `{"KeyId":"KEY"}`}}, []step{{"ListKeyRotations", `{"KeyId":"KEY"}`}}},
	{generated, nil, []step{{"UpdateKeyDescription", `{"KeyId":"KEY","Description":"N"}`}}, []step{describe}},
	{generated, nil,
		[]step{{"ScheduleKeyDeletion", `{"KeyId":"KEY"}`}, {"CancelKeyDeletion", `{"KeyId":"KEY"}`}}, []step{describe}},
	{generated, nil, []step{alias, {"DeleteAlias", `{"AliasName":"alias/LAST"}`}}, []step{aliasOf}},
	{generated, nil, []step{grant, {"RevokeGrant", `{"KeyId":"KEY","GrantId":"GRANT"}`}}, []step{grantsOf}},
	{generated, nil, []step{grant}, []step{grantsOf}},
	{external, nil,
		[]step{{"ImportKeyMaterial", `{"KeyId":"KEY",IMPORT,"ExpirationModel":"KEY_MATERIAL_DOES_NOT_EXPIRE"}`},
			{"DeleteImportedKeyMaterial", `{"KeyId":"KEY"}`}}, []step{describe}},
	{family, nil, []step{{"ReplicateKey", `{"KeyId":"KEY","ReplicaRegion":"REGION"}`}}, []step{describe}},
	{family, []step{{"ReplicateKey", `{"KeyId":"KEY","ReplicaRegion":"eu-west-1"}`}},
		[]step{{"UpdatePrimaryRegion", `{"KeyId":"KEY","PrimaryRegion":"eu-west-1"}`}}, []step{describe}},
}

// userRaces are revoked by disabling the user, because a key policy does not apply to these operations.
var userRaces = []race{
	{"", nil, []step{{"CreateKey", `{}`}}, []step{allKeys}},
	{"", nil, []step{{"RecreateKey", `{"AccountId":"111122223333","KeyId":"UUID"}`}}, []step{allKeys}},
	{generated, []step{{"CreateAlias", `{"AliasName":"alias/ID","TargetKeyId":"KEY"}`}},
		[]step{{"UpdateAlias", `{"AliasName":"alias/ID","TargetKeyId":"OTHER"}`},
			{"UpdateAlias", `{"AliasName":"alias/ID","TargetKeyId":"KEY"}`}},
		[]step{{"ListAliases", `{"KeyId":"KEY"}`}, {"ListAliases", `{"KeyId":"OTHER"}`}}},
	{generated, []step{grant}, []step{{"RetireGrant", `{"KeyId":"KEY","GrantId":"GRANT"}`}}, []step{grantsOf}},
}

// rootRaces use a second access key of the root, which is disabled.
var rootRaces = []race{
	{"", nil, []step{user}, []step{showUser}},
	{"", nil,
		[]step{{"PutUser", `{"Name":"uN"}`}, {"DeleteIdentity", `{"Kind":"user","Name":"uLAST"}`}}, []step{allUsers}},
	{"", nil,
		[]step{{"PutRole", `{"Name":"r","Description":"N","Trust":TRUST}`}},
		[]step{{"ShowIdentity", `{"Kind":"role","Name":"r"}`}}},
	{"", nil,
		[]step{{"PutPolicy", `{"Name":"m","Description":"N","Document":DOCUMENT}`}},
		[]step{{"ShowIdentity", `{"Kind":"policy","Name":"m"}`}}},
	{"", nil,
		[]step{{"PutProvider", `{"Url":"https://oidc.example.com","ClientIds":["N"]}`}},
		[]step{{"ShowIdentity", `{"Kind":"oidc-provider","Name":"oidc.example.com"}`}}},
	{"", nil,
		[]step{{"PutAccount", `{"AccountId":"444455556666","Name":"N"}`}},
		[]step{{"ShowIdentity", `{"Kind":"account","Name":"444455556666"}`}}},
	{"", []step{user},
		[]step{{"SetIdentityState", `{"Kind":"user","Name":"u","Enabled":false}`},
			{"SetIdentityState", `{"Kind":"user","Name":"u","Enabled":true}`}}, []step{showUser}},
	{"", []step{user}, []step{{"RevokeSessions", `{"Kind":"user","Name":"u"}`}}, []step{showUser}},
	{"", []step{{"PutUser", `{"Name":"vTRIAL"}`}},
		[]step{{"RotateAccessKey", `{"Name":"vTRIAL"}`}}, []step{{"ShowIdentity", `{"Kind":"user","Name":"vTRIAL"}`}}},
}
