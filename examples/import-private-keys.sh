#!/usr/bin/env bash
# Bring your own RSA, EC and HMAC keys with only the AWS CLI and OpenSSL. OpenSSL makes
# and wraps the keys. Then the script compares the results of the server with the results
# of OpenSSL, in both directions.
# usage: examples/import-private-keys.sh ENDPOINT
#
# The credentials and the Region come from the environment. The default is keyhold dev's.
# AWS names another aws.
set -euo pipefail

fail() {
	echo "$0: $*" >&2
	exit 1
}

[ $# -eq 1 ] || fail "usage: $0 ENDPOINT (keyhold dev names it in its banner)"
endpoint=$1
AWS=${AWS:-/usr/bin/aws}
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}
export AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-us-east-1} AWS_PAGER=
kms() { "$AWS" --endpoint-url "$endpoint" kms "$@"; }

# shred overwrites the keys in their files. Removing the files would leave them on the disk.
work=$(mktemp -d)
cleanup() {
	find "$work" -type f -exec shred {} +
	rm -rf "$work"
}
trap cleanup EXIT
cd "$work"
unbase64() { openssl base64 -d -A; }

# create SPEC USAGE: create a key without material, and set $key to its ID.
create() {
	key=$(kms create-key --origin EXTERNAL --key-spec "$1" --key-usage "$2" --query KeyMetadata.KeyId --output text)
	echo "  key $key, $1, $2"
}

# download ALGORITHM: download the public key and the import token, valid for 24 hours.
download() {
	kms get-parameters-for-import --key-id "$key" --wrapping-algorithm "$1" --wrapping-key-spec RSA_4096 \
		--query '[PublicKey,ImportToken]' --output text > params
	cut -f 1 params | unbase64 > public
	cut -f 2 params | unbase64 > token
}

# oaep FILE: wrap with RSAES-OAEP. SHA-256 must be named twice, for OAEP and MGF1.
oaep() {
	openssl pkeyutl -encrypt -pubin -keyform DER -inkey public -in "$1" \
		-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256
}

# hybrid FILE: wrap a new AES key with RSAES-OAEP, and the material under the AES key with
# AES key wrap with padding (RFC 5649). The AES key, which is used once, is on the command
# line of OpenSSL: do this on a machine without other users.
hybrid() {
	openssl rand -out aes 32
	oaep aes
	openssl enc -id-aes256-wrap-pad -iv A65959A6 -K "$(od -An -vtx1 aes | tr -d ' \n')" -in "$1"
}

# import: import the wrapped material for 90 days.
import() {
	kms import-key-material --key-id "$key" --import-token fileb://token --encrypted-key-material fileb://wrapped \
		--expiration-model KEY_MATERIAL_EXPIRES --valid-to $(($(date +%s) + 90 * 24 * 3600)) > answer
}

# private FILE ARGUMENTS: make a private key in PEM, and convert it to PKCS #8 in DER for
# the import.
private() {
	openssl genpkey "${@:2}" -out "$1.pem" 2> talk
	openssl pkcs8 -topk8 -nocrypt -in "$1.pem" -outform DER -out "$1.der"
	openssl pkey -in "$1.pem" -pubout -out "$1.pub"
}

# same_public FILE: check that the server's public key belongs to your private key.
same_public() {
	kms get-public-key --key-id "$key" --query PublicKey --output text | unbase64 > shown
	openssl pkey -pubin -in "$1.pub" -outform DER | cmp - shown || fail "the server has another key"
	echo "  the public key is yours"
}

# signs FILE ALGORITHM OPTIONS: check that each side verifies the other side's signature.
signs() {
	kms sign --key-id "$key" --message fileb://message --signing-algorithm "$2" --query Signature --output text | unbase64 > signature
	openssl dgst -sha256 "${@:3}" -verify "$1.pub" -signature signature message > talk || fail "OpenSSL does not verify the server's signature"
	openssl dgst -sha256 "${@:3}" -sign "$1.pem" -out signature message
	kms verify --key-id "$key" --message fileb://message --signature fileb://signature --signing-algorithm "$2" > answer
	echo "  $2: OpenSSL verifies the server's signature, and the server verifies OpenSSL's"
}

echo "the combination is 12-34-56" > message

echo "1. An RSA key for signatures"
private rsa -algorithm RSA -pkeyopt rsa_keygen_bits:3072
create RSA_3072 SIGN_VERIFY
download RSA_AES_KEY_WRAP_SHA_256
hybrid rsa.der > wrapped
import
same_public rsa
signs rsa RSASSA_PSS_SHA_256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
signs rsa RSASSA_PKCS1_V1_5_SHA_256

echo "2. An RSA key for encryption"
private box -algorithm RSA -pkeyopt rsa_keygen_bits:2048
create RSA_2048 ENCRYPT_DECRYPT
download RSA_AES_KEY_WRAP_SHA_256
hybrid box.der > wrapped
import
same_public box
oaep256=(-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256)
kms encrypt --key-id "$key" --plaintext fileb://message --encryption-algorithm RSAES_OAEP_SHA_256 \
	--query CiphertextBlob --output text | unbase64 > ciphertext
openssl pkeyutl -decrypt -inkey box.pem -in ciphertext "${oaep256[@]}" | cmp - message || fail "OpenSSL does not decrypt the server's ciphertext"
openssl pkeyutl -encrypt -pubin -inkey box.pub -in message -out ciphertext "${oaep256[@]}"
kms decrypt --key-id "$key" --ciphertext-blob fileb://ciphertext --encryption-algorithm RSAES_OAEP_SHA_256 \
	--query Plaintext --output text | unbase64 | cmp - message || fail "the server does not decrypt OpenSSL's ciphertext"
echo "  OpenSSL decrypts the server's ciphertext, and the server decrypts OpenSSL's"

echo "3. An EC key for signatures"
private ec -algorithm EC -pkeyopt ec_paramgen_curve:P-256
create ECC_NIST_P256 SIGN_VERIFY
download RSA_AES_KEY_WRAP_SHA_256
hybrid ec.der > wrapped
import
same_public ec
signs ec ECDSA_SHA_256
echo "  once more, with only RSAES-OAEP: EC keys are short enough"
download RSAES_OAEP_SHA_256
oaep ec.der > wrapped
import
signs ec ECDSA_SHA_256

echo "4. An HMAC key"
openssl rand -out mac 32
create HMAC_256 GENERATE_VERIFY_MAC
download RSAES_OAEP_SHA_256
oaep mac > wrapped
import
openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(od -An -vtx1 mac | tr -d ' \n')" -binary message > code
kms generate-mac --key-id "$key" --message fileb://message --mac-algorithm HMAC_SHA_256 --query Mac --output text |
	unbase64 | cmp - code || fail "the server computes another MAC"
kms verify-mac --key-id "$key" --message fileb://message --mac fileb://code --mac-algorithm HMAC_SHA_256 > answer
echo "  the server computes the same MAC as OpenSSL, and verifies it"

echo "5. Other material for the same key is refused"
openssl rand -out mac 32
oaep mac > wrapped
if import 2> error; then
	fail "the HMAC key accepted other material"
fi
grep -q '(IncorrectKeyMaterialException)' error || fail "expected IncorrectKeyMaterialException, got: $(cat error)"
echo "  IncorrectKeyMaterialException"

echo ok
