#!/usr/bin/env bash
# Bring your own key from a machine that has no network. The middle one of the three
# steps runs in a network namespace of its own, in which there is nothing.
# usage: examples/air-gapped-import.sh ENDPOINT
#
# The credentials and the Region are those of the environment, and by default those of
# keyhold dev. KEYHOLD names another keyhold.
set -euo pipefail

fail() {
	echo "$0: $*" >&2
	exit 1
}

[ $# -eq 1 ] || fail "usage: $0 ENDPOINT (keyhold dev names it in its banner)"
KEYHOLD=${KEYHOLD:-bin/keyhold}
export AWS_ENDPOINT_URL_KMS=$1 AWS_REGION=${AWS_REGION:-us-east-1}
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}

# dd overwrites the material where it lies; a removed file alone would leave it.
work=$(mktemp -d)
cleanup() {
	[ ! -e "$work/own.key" ] || dd if=/dev/zero of="$work/own.key" bs=32 count=1 conv=notrunc status=none
	rm -rf "$work"
}
trap cleanup EXIT

# Root may make a network namespace; others may where user namespaces are allowed.
namespace=(unshare --net)
[ "$(id -u)" -eq 0 ] || namespace=(unshare --map-root-user --net)
"${namespace[@]}" true || fail "a namespace without network cannot be made here (${namespace[*]}): run it as root, or allow user namespaces"
without_network() { "${namespace[@]}" "$@"; }

"$KEYHOLD" clock show > "$work/clock" || fail "the server cannot be reached where the network is"
! without_network "$KEYHOLD" clock show > "$work/clock" 2>&1 || fail "the server can be reached where no network should be"

echo "1. Where the network is: make the key, and get what is needed to wrap"
key=$("$KEYHOLD" import "alias/air-gapped-$$" --create --parameters-out "$work/params.json")

echo "2. Where no network is: make the material and wrap it (compare the fingerprints)"
without_network "$KEYHOLD" wrap --params "$work/params.json" --generate "$work/own.key" --out "$work/wrapped.json"

echo "3. Where the network is: import it, for 90 days"
imported=$("$KEYHOLD" import --wrapped "$work/wrapped.json" --expires 90d)
[ "$imported" = "$key" ] || fail "it was imported into $imported, not into $key"

echo ok
