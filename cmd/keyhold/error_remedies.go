package main

// remedies is the table of the causes and remedies of errors. A row has the code of the error, a part
// of its message if the code alone is ambiguous, the exit code, the cause, and the remedy. The first
// row that matches an error applies. The first block has the codes of KMS and STS, the second the codes
// of this program and of the SDK; both are in alphabetical order. testdata/remedies.txt has what a
// person reads.
const remedies = `
AccessDeniedException               | deployment's account alone | 4 | only principals of the account that keyhold init named may administer the deployment, and these credentials belong to another account | use credentials of the deployment's account (for keyhold dev: test and test)
AccessDeniedException               | credentials of a root | 4 | no policy can give this right, because it would be the right to become the root | set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to what keyhold init printed (for keyhold dev: test and test)
AccessDeniedException               | permissions boundary or session policy | 4 | these credentials are limited, and a right for somebody else could go beyond their limits | give users and roles the same permissions boundary; ask another administrator for everything else
AccessDeniedException               | temporary credentials of a user | 4 | an access key would last longer than the session | use the access key of the user, without AWS_SESSION_TOKEN
AccessDeniedException               | to perform: keyhold: | 4 | no policy of these credentials allows the request, or one denies it | ask an administrator of the deployment for the permission that the line above names; keyhold explain shows which policy decides
AccessDeniedException               | | 4 | the server knows the credentials, but they do not have the permission | ask an administrator of the key for the permission that the line above names
AlreadyExistsException              | The key | 1 | a key can be made again only after it is gone | show its state: aws kms describe-key --key-id KEY
AlreadyExistsException              | There is | 1 | names of users, roles and policies are not case-sensitive, and the path is part of a policy's identity | write the name and the path as they exist, or choose another name
AlreadyExistsException              | | 1 | somebody else created this alias in the meantime | run the same command again: it imports into the key of the alias
ConflictException                   | custody | 1 | the root key must stay in a custody, and servers keep the custody that they use | move the servers to another custody first: keyhold seal migrate --to key-file:FILE
ConflictException                   | sealed again | 1 | one data key at a time replaces the older ones | wait: keyhold seal status shows how many records are left
ConflictException                   | older version | 1 | a change of the seal needs servers that all know it | start the current version on all nodes, and run the same command again
ConflictException                   | has the policy | 1 | a managed policy can be removed only when no user or role has it | remove it from the user or role in your file, run keyhold apply, and then remove the policy
ConflictException                   | the one that signed | 1 | disabling the access key that you are using would lock you out | make another access key first: keyhold identity rotate-key account/ACCOUNT_ID
ConflictException                   | | 1 | the server is rotating the key automatically, or will do so within 20 minutes | wait until the automatic rotation is done, and then rotate the key
DependencyTimeoutException          | | 1 | the server waited too long for another service | run the same command again
DisabledException                   | | 1 | the key is disabled | enable it: aws kms enable-key --key-id KEY
ExpiredImportTokenException         | | 1 | the import token is more than 24 hours old | start again with new parameters, and wrap the material under the new public key
ExpiredTokenException               | | 4 | the session of the credentials has ended | sign in again, then run the same command
IncompleteSignatureException        | path '/' | 2 | requests go to the path / of the server, but the endpoint has another path or a query | write the endpoint without a path: https://kms.example.com or http://127.0.0.1:4599
IncompleteSignatureException        | | 4 | something changed the signature between this machine and the server | look for a proxy that changes headers
IncorrectKeyMaterialException       | already associated | 1 | the key already has this material: as the current material, as earlier material, or waiting for a rotation | leave out --new-material; aws kms list-key-rotations --include-key-material ALL_KEY_MATERIAL --key-id KEY shows the state of each
IncorrectKeyMaterialException       | | 1 | without --new-material a key accepts only its own material, and this is other material, or has another length | import the original material of this key, or give the key more material with --new-material
InvalidAliasNameException           | | 2 | an alias begins with alias/ and has only letters, digits, / _ and -; alias/aws/ is reserved | choose another name
InvalidArnException                 | | 2 | this is not the ARN of a key or an alias on this server | give an alias name, a key ID, or the ARN of either
InvalidCiphertextException          | | 1 | the wrapped material does not open with the key pair of the import token: it was wrapped under another public key, or was damaged on the way | start again with new parameters
InvalidClientTokenId                | | 4 | AWS does not know this access key | check the profile, and AWS_ACCESS_KEY_ID
InvalidImportTokenException         | | 1 | the import token belongs to another key or another server, or was changed on the way | start again with new parameters from this server
InvalidMarkerException              | belongs to the log | 1 | each node has a log of its own, and another node answered this time | name one node with --endpoint-url
InvalidSignatureException           | Signature expired | 4 | the server's clock is more than five minutes ahead of the clock of this machine | set both clocks (timedatectl shows whether NTP sets them)
InvalidSignatureException           | Signature not yet current | 4 | the server's clock is more than five minutes behind the clock of this machine | set both clocks (timedatectl shows whether NTP sets them)
InvalidSignatureException           | scoped to a valid region | 4 | the server does not serve this Region | choose a Region that the server serves, with --region or AWS_REGION (keyhold serve prints its Regions when it starts), or start the server with this Region in --regions
InvalidSignatureException           | | 4 | the secret access key is not the one that the server has, or something changed the request on the way, for example a proxy that rewrites Host | check AWS_SECRET_ACCESS_KEY; for a dev server, AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test keyhold explain-signature shows side by side what client and server signed
KMSInternalException                | | 1 | the server failed, and wrote the cause to its log | look for the request ID below in the server's log
KMSInvalidStateException            | No checkpoint | 1 | a proof leads to a signed checkpoint, and the event is newer than the last one | run the same command again in a minute
KMSInvalidStateException            | audit log of this node | 1 | the files of the log differ from what the server wrote | verify a copy of the data folder: keyhold audit verify --data DIR
KMSInvalidStateException            | is pending rotation | 1 | the key already has new material that waits for a rotation, and only one can wait at a time | make that material current: aws kms rotate-key-on-demand --key-id KEY; or delete it: aws kms delete-imported-key-material --key-id KEY --key-material-id ID
KMSInvalidStateException            | pending deletion | 1 | the key is scheduled for deletion | cancel the deletion if you still need the key: aws kms cancel-key-deletion --key-id KEY
KMSInvalidStateException            | | 1 | the state of the key does not allow the operation | show the state: aws kms describe-key --key-id KEY
LimitExceededException              | another backup | 1 | a server makes one backup at a time | wait until the other backup has ended, and run the command again
LimitExceededException              | both are active | 1 | a user or a root can have two access keys, and both may be in use | find out which one is not in use: keyhold identity list; then disable it: keyhold identity disable ACCESS_KEY_ID
LimitExceededException              | too long for a response | 1 | an older version wrote the line, which has more than 384 KiB | prove it from the files of the log: keyhold audit prove EVENTID --data DIR
LimitExceededException              | policies have | 1 | IAM has the same limits | make the policy smaller, or split it
LimitExceededException              | | 1 | a quota of the account or of the key is used up | delete what you no longer need, or ask an administrator of the server for a higher quota
MalformedPolicyDocumentException    | | 2 | the policy does not follow the policy language | correct the policy where the line above points
MissingAuthenticationTokenException | | 4 | the request reached the server without its signature | look for a proxy on the way that removes headers
NotFoundException                   | lias | 5 | no key has this alias in this account and Region | check the alias and the Region; to make the key and the alias, add --create
NotFoundException                   | the audit log have no request | 5 | keyhold explain searches the end of the audit log, for requests of the account and for requests about its keys | check the ID, and that this server answered the request; keyhold explain --principal ARN --action ACTION needs no past request
NotFoundException                   | signature | 5 | a dev server remembers only the last 20 requests whose signature it refused | let the client send its request to this server again
NotFoundException                   | There is no such event | 5 | each node has a log of its own, and old events are deleted | check the event ID; with several nodes, name each of them with --endpoint-url
NotFoundException                   | There is no principal | 5 | no user, role or session has this ARN now | check the ARN: names and paths are case-sensitive
NotFoundException                   | Invalid arn | 5 | the ARN names another Region than the request | add --region with the Region in the ARN
NotFoundException                   | There is no | 5 | the server looks in the deployment's account unless you name another account | list all identities: keyhold identity list
NotFoundException                   | | 5 | no such key exists in this account and Region | check the key ID, the Region and the credentials; an alias name begins with alias/
SerializationException              | | 1 | the server did not understand the request | check the endpoint, and that nothing on the way changes the bodies of requests
ThrottlingException                 | | 1 | the server receives too many requests | wait a moment and run the same command again
UnknownOperationException           | | 1 | the server does not have this operation | check the endpoint and the version of the server
UnrecognizedClientException         | | 4 | the server does not know this access key, or this session token does not belong to it | set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to what keyhold init printed, or to test and test for keyhold dev; unset AWS_SESSION_TOKEN, which belongs to temporary credentials only
UnsupportedOperationException       | origin | 1 | the server generates the material of this key, so nothing can be imported into it | import into a key that was created with --origin EXTERNAL; keyhold import --create makes one
UnsupportedOperationException       | multi-Region replica key | 1 | a replica key receives new material and rotations through its primary key | run the command with --region and the Region that the line above names; then import the same material into the replica key without --new-material
UnsupportedOperationException       | wrapping key spec | 1 | this material cannot be wrapped with this algorithm and this wrapping key spec | leave out --wrapping-algorithm and --wrapping-key-spec: the defaults always work
UnsupportedOperationException       | no audit log | 1 | a dev server without --data keeps no audit log | start it with --data DIR; to explain a request without the log: keyhold explain --principal ARN --action ACTION
UnsupportedOperationException       | is not an operation of KMS | 1 | requests to STS follow rules besides policies | read in docs/identities.md who may assume a role
UnsupportedOperationException       | no decision to explain | 1 | the request ended before a decision, or named its key in a form that the audit log does not record | explain a similar request: keyhold explain --principal ARN --action ACTION --key KEY
UnsupportedOperationException       | | 1 | this server does not support the operation or one of its parameters | docs/divergences.md lists what Keyhold does not support
ValidationException                 | Member must not be null | 1 | the request needs the member that the line above names | add it: to keyhold explain with --key, or with --member NAME=VALUE
ValidationException                 | validTo date must be in the future | 2 | that time has passed by the server's clock | give a later time with --expires
ValidationException                 | 365 days | 2 | imported material can be valid for at most 365 days | give an earlier time with --expires, or --no-expiry
ValidationException                 | Invalid encrypted key size | 1 | the material was wrapped under a public key of another size, or was cut on the way | start again with new parameters
ValidationException                 | cannot be used to import | 1 | this material cannot be wrapped with this algorithm and this wrapping key spec | leave out --wrapping-algorithm and --wrapping-key-spec: the defaults always work
ValidationException                 | | 1 | a value is invalid: the line above names the member | correct the value, and run the command again

AWSNotMeant     | | 2 | without --aws this program sends only to your own servers | name your server with --endpoint-url or AWS_ENDPOINT_URL_KMS; to try Keyhold out, run keyhold dev, and paste the export lines that it prints; to send to AWS itself, add --aws
BadAlias        | | 2 | an alias begins with alias/ and has only letters, digits, / _ and -; alias/aws/ is reserved | write it as alias/payments
Interrupted     | | 1 | a signal stopped the command, or the server did not answer in time | run the same command again: importing the same material again does no harm
NoCredentials   | | 4 | neither the environment nor the AWS configuration files have credentials that work here | set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to what keyhold init printed (for keyhold dev: test and test), or name a --profile
NoDevServer     | | 1 | only a dev server has a clock that moves, and only a dev server remembers refused signatures | name a dev server with --endpoint-url
NoKeyhold       | | 1 | the request is not part of the KMS API: only Keyhold understands it | check --endpoint-url and the version of the server
NoRegion        | | 2 | a key belongs to a Region, and neither --region, nor AWS_REGION, nor the profile names a Region | add --region us-east-1, or another that the server serves
NotEverywhere   | | 1 | a multi-Region key is rotated only when each of its replica keys has the material | import the material into each replica key with --region, then run this command again without --new-material
NotExternal     | | 1 | the server generates the material of this key, so nothing can be imported into it | import into a key that was created with --origin EXTERNAL; keyhold import --create makes one
NotProved       | | 1 | the server may hold other material than yours, or is not a Keyhold server | do not use the key yet: remove the material with aws kms delete-imported-key-material, and find out which server answers at the endpoint
NotWaiting      | | 1 | the key was rotated again in the meantime, and the same material does not become current twice | import other material with --new-material, or keep the current material
OtherRegion     | | 2 | the file is for a key of another Region | add --region with the Region in the line above
PendingDeletion | | 1 | a key that is scheduled for deletion accepts no material | cancel the deletion if you still need the key: aws kms cancel-key-deletion --key-id KEY
UnknownError    | | 1 | the server at this endpoint does not speak the KMS API | check --endpoint-url
Unreachable     | certificate is valid for | 1 | the server's certificate does not have the name or address in the endpoint | use a name or an address that the line above lists; keyhold dev adds names with --tls-names
Unreachable     | not the pinned one | 1 | the server has another certificate than the one whose fingerprint you gave, or somebody answers in its place | compare the fingerprint with that of the server: openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE
Unreachable     | the certificate ended at | 1 | by the clock of this machine, the pinned certificate is not valid any more | set the clock if it is wrong, or start the server with a new certificate
Unreachable     | the certificate begins at | 1 | by the clock of this machine, the pinned certificate is not valid yet | set the clock if it is wrong
Unreachable     | certificate has expired | 1 | by the clock of this machine, the server's certificate is not valid yet or not valid any more | set the clock if it is wrong, or start the server with a new certificate
Unreachable     | certificate | 1 | this machine does not trust the server's certificate | set AWS_CA_BUNDLE to the PEM file of the authority that signed the certificate
Unreachable     | HTTP response to HTTPS client | 1 | the server speaks plain HTTP, without TLS | write the endpoint with http:// if you trust the network in between
Unreachable     | without an answer | 1 | a server with TLS closes the connection when the client speaks plain HTTP | write the endpoint with https:// if the server has TLS; otherwise read the log of the server
Unreachable     | no such host | 1 | no host has this name | check --endpoint-url, AWS_ENDPOINT_URL_KMS and the profile
Unreachable     | | 1 | no server answers at this address | start the server, or check --endpoint-url, AWS_ENDPOINT_URL_KMS and the profile
UnsupportedSpec | | 1 | material cannot be imported into keys of this spec | use a symmetric, HMAC, RSA or EC key, such as keyhold import --create makes
`
