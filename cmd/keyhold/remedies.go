package main

// remedies is the one table of what an error means to the person at the
// terminal: its code, a part of the message where one code means several things,
// the exit code, why it is so, and what to do. The first row that fits counts.
// Codes that end in Exception are the API's; the others are this program's own.
const remedies = `
AccessDeniedException               | root of the deployment's account | 4 | identities are administered by the root of the deployment's account, and these are other credentials | set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to what keyhold init printed (for keyhold dev: test and test)
AccessDeniedException               | | 4 | the credentials are known, but may not do this | ask whoever administers the key for the permission that the line above names
AlreadyExistsException              | The key | 1 | a key is made again where it is gone, and nowhere else | see its state: aws kms describe-key --key-id KEY
AlreadyExistsException              | There is | 1 | names of users, roles and policies are not told apart by case, and a policy is named by its path | write it as it is, or choose another name
AlreadyExistsException              | | 1 | somebody made this alias in the meantime | run the same command again: it imports into the key of the alias
ConflictException                   | has the policy | 1 | a managed policy is removed when no user or role has it | take it out of the file there, apply, and then remove it
ConflictException                   | the one that signed | 1 | whoever disables the access key in use locks themselves out | make another one: keyhold identity rotate-key
ConflictException                   | | 1 | the key is being rotated of itself, or will be within 20 minutes | wait, and rotate it then
DependencyTimeoutException          | | 1 | the server waited for something behind it | run the same command again
DisabledException                   | | 1 | the key is disabled | enable it: aws kms enable-key --key-id KEY
ExpiredImportTokenException         | | 1 | the import token is older than a day | begin again with new parameters, and wrap the material under the new public key
ExpiredTokenException               | | 4 | the session of the credentials has ended | sign in again, then run the same command
IncompleteSignatureException        | path '/' | 2 | requests go to the path / of the server, and the endpoint has another path or a query | write the endpoint as https://kms.example.com or http://127.0.0.1:4599, with nothing behind the port
IncompleteSignatureException        | | 4 | the signature did not reach the server as it was made | look for a proxy on the way that changes headers
IncorrectKeyMaterialException       | already associated | 1 | the key knows this material: it is the current one, was so before, or waits for a rotation | leave out --new-material; aws kms list-key-rotations --include-key-material ALL_KEY_MATERIAL --key-id KEY shows the state of each
IncorrectKeyMaterialException       | | 1 | a key takes the material that it knows, and this is other material, or of another length | import the original of this key; to give the key more material add --new-material
InvalidAliasNameException           | | 2 | an alias begins with alias/ and has letters, digits, / _ and - only; alias/aws/ is reserved | choose another name
InvalidArnException                 | | 2 | this is no ARN of a key or an alias here | give an alias name, a key ID, or the ARN of either
InvalidCiphertextException          | | 1 | the wrapped material does not open with the key pair of the token: it belongs to another pair, or was damaged on the way | begin again with new parameters
InvalidImportTokenException         | | 1 | the token is of another key or another server, or was changed on the way | begin again with new parameters from this server
InvalidSignatureException           | Signature expired | 4 | the server's clock is more than five minutes ahead of the one here | set both clocks (timedatectl shows whether NTP does so)
InvalidSignatureException           | Signature not yet current | 4 | the server's clock is more than five minutes behind the one here | set both clocks (timedatectl shows whether NTP does so)
InvalidSignatureException           | scoped to a valid region | 4 | the server does not serve this Region | name a Region that the server serves, with --region or AWS_REGION: keyhold serve shows its Regions when it starts; or start it with this Region in --regions
InvalidSignatureException           | | 4 | the secret access key is not the one that the server has, or something on the way changed the request, as a proxy that rewrites Host does | check AWS_SECRET_ACCESS_KEY; keyhold explain-signature shows what a dev server and a client signed, side by side
KMSInternalException                | | 1 | the server failed, and wrote the cause into its log | look there for the request ID below
KMSInvalidStateException            | is pending rotation | 1 | one new material waits already, and one can at a time | make it current: aws kms rotate-key-on-demand --key-id KEY; or take it out: aws kms delete-imported-key-material --key-id KEY --key-material-id ID
KMSInvalidStateException            | pending deletion | 1 | the key is to be deleted | cancel that, if the key is still wanted: aws kms cancel-key-deletion --key-id KEY
KMSInvalidStateException            | | 1 | the state of the key does not allow it | see the state: aws kms describe-key --key-id KEY
LimitExceededException              | both are active | 1 | there can be two access keys, and somebody may be using either | see which is not in use: keyhold identity list; then keyhold identity disable ACCESS_KEY_ID
LimitExceededException              | policies have | 1 | IAM has the same bounds | make the policy smaller, or split it
LimitExceededException              | | 1 | a quota of the account or of the key is used up | delete what is not needed any more, or ask for a higher quota
MalformedPolicyDocumentException    | | 2 | the policy is not of the policy language | mend it where the line above says
MissingAuthenticationTokenException | | 4 | the request reached the server without its signature | look for a proxy on the way that removes headers
NotFoundException                   | lias | 5 | no key has this alias in this account and Region | check name and Region; to make the key and the alias, add --create
NotFoundException                   | the audit log have no request | 5 | the log is searched from its end, and has the requests of the account and those about its keys | check the ID, and that this server answered it; keyhold explain --principal ARN --action ACTION needs no past request
NotFoundException                   | signature | 5 | a dev server remembers the last 20 requests whose signature it refused | let the client send its request again, to this server
NotFoundException                   | There is no principal | 5 | no user, role or session has this ARN now | check it: names and paths are told apart by case
NotFoundException                   | Invalid arn | 5 | the ARN is of another Region than the request | add --region as the ARN has it
NotFoundException                   | There is no | 5 | names are looked for in the deployment's account, unless another is named | see what there is: keyhold identity list
NotFoundException                   | | 5 | no such key is in this account and Region | check the ID, the Region and the credentials; the name of an alias begins with alias/
SerializationException              | | 1 | the server did not understand the request | check that the endpoint is what you mean, and that nothing on the way changes bodies
ThrottlingException                 | | 1 | too many requests at a time | wait a moment and run the same command again
UnknownError                        | | 1 | what answers at this endpoint does not speak the KMS API | check --endpoint-url
UnknownOperationException           | | 1 | the server does not have this operation | check that the endpoint is what you mean, and the version of the server
UnrecognizedClientException         | | 4 | the server does not know this access key, or not together with this session token | set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to what keyhold init printed, or to test and test for keyhold dev; unset AWS_SESSION_TOKEN, which belongs to temporary credentials only
InvalidClientTokenId                | | 4 | AWS does not know this access key | check the profile, and AWS_ACCESS_KEY_ID
UnsupportedOperationException       | origin | 1 | the server generates the material of this key, so nothing can be imported into it | import into a key that was created with --origin EXTERNAL; keyhold import --create makes one
UnsupportedOperationException       | multi-Region replica key | 1 | new material and rotations come to a replica key by its primary key | use --region as the line above names the primary key's; then import the same into the replica key without --new-material
UnsupportedOperationException       | wrapping key spec | 1 | this material cannot be wrapped so | leave out --wrapping-algorithm and --wrapping-key-spec: the defaults always work
UnsupportedOperationException       | no audit log | 1 | a dev server without --data writes its audit log nowhere | keyhold explain --principal ARN --action ACTION explains without one
UnsupportedOperationException       | is not an operation of KMS | 1 | STS and the requests of administrators have rules beside policies | docs/identities.md tells who may assume a role, and who may administer
UnsupportedOperationException       | no decision to explain | 1 | the request ended before a decision, or named its key in a way that no log keeps | keyhold explain --principal ARN --action ACTION --key KEY explains what one like it is told
UnsupportedOperationException       | | 1 | this server cannot do it | docs/divergences.md lists what Keyhold refuses
ValidationException                 | Member must not be null | 1 | the request needs the member that the line above names | give it; to keyhold explain with --key, or with --member NAME=VALUE
ValidationException                 | validTo date must be in the future | 2 | by the server's clock that moment has passed | give a later one with --expires
ValidationException                 | 365 days | 2 | material is imported for 365 days at most | give a nearer moment with --expires, or --no-expiry
ValidationException                 | Invalid encrypted key size | 1 | the wrapped material was made with a wrapping key of another size, or was cut on the way | begin again with new parameters
ValidationException                 | cannot be used to import | 1 | this material cannot be wrapped so | leave out --wrapping-algorithm and --wrapping-key-spec: the defaults always work
ValidationException                 | | 1 | a value is not as the API wants it: the line above names the member | mend it, and run the command again

AWSNotMeant     | | 2 | without --aws this program sends to servers of your own only | name yours with --endpoint-url or AWS_ENDPOINT_URL_KMS; to try it out run keyhold dev, and paste the export lines that it prints; if AWS itself is meant, add --aws
BadAlias        | | 2 | an alias begins with alias/ and has letters, digits, / _ and - only; alias/aws/ is reserved | write it as alias/payments
Interrupted     | | 1 | a signal ended the work, or the server did not answer in time | run the same command again: a repeated import of the same material is no harm
NoCredentials   | | 4 | neither the environment nor the AWS configuration files have any that work here | set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to what keyhold init printed (for keyhold dev: test and test), or name a --profile
NoDevServer     | | 1 | the clock of any other server is wall time, and it keeps nothing of refused signatures | name a dev server with --endpoint-url
NoKeyhold       | | 1 | what is asked for is no part of the KMS API | check --endpoint-url, and the version of the server
NoRegion        | | 2 | keys live in a Region, and neither --region, nor AWS_REGION, nor the profile names one | add --region us-east-1, or another that the server serves
NotExternal     | | 1 | the server generates the material of this key, so nothing can be imported into it | import into a key that was created with --origin EXTERNAL; keyhold import --create makes one
NotEverywhere   | | 1 | the keys of one ID are rotated together, when each has the material | import it into each replica key with --region, then run this command again without --new-material
NotWaiting      | | 1 | the key was rotated on since, and material does not become current twice | import other material with --new-material, or go on with the current one
NotProved       | | 1 | the server may hold other material than yours, or is no Keyhold server | do not use the key yet: aws kms delete-imported-key-material takes the material out again; find out what answers at the endpoint
OtherRegion     | | 2 | the file is for a key of another Region | add --region as the line above has it
PendingDeletion | | 1 | a key that is to be deleted takes no material | cancel that, if the key is still wanted: aws kms cancel-key-deletion --key-id KEY
Unreachable     | certificate is valid for | 1 | the server's certificate does not have the name or address in the endpoint | use a name or address that the line above lists; keyhold dev adds names with --tls-names
Unreachable     | certificate has expired | 1 | the clock here is not within the dates of the server's certificate | set the clock if it is wrong, or start the server with a new certificate
Unreachable     | certificate | 1 | the server's certificate is not trusted here | name the file of the authority that signed it, PEM, in AWS_CA_BUNDLE
Unreachable     | HTTP response to HTTPS client | 1 | the server speaks plain HTTP, without TLS | write the endpoint with http://, if nobody else is on the way there
Unreachable     | without an answer | 1 | a server with TLS does so when the client speaks plain HTTP | write the endpoint with https:// if the server has TLS; otherwise look into its log
Unreachable     | no such host | 1 | there is no host of this name | check --endpoint-url, AWS_ENDPOINT_URL_KMS and the profile
Unreachable     | | 1 | nothing answers there | is the server running? check --endpoint-url, AWS_ENDPOINT_URL_KMS and the profile
UnsupportedSpec | | 1 | keys of this spec take no material from outside | symmetric, HMAC, RSA and EC keys do: keyhold import --create makes one
`
