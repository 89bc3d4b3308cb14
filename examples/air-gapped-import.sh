#!/usr/bin/env bash
# Bring your own key from a machine without a network. The second of the three steps runs
# in a network namespace without interfaces.
# usage: examples/air-gapped-import.sh ENDPOINT
#
# The credentials and the Region come from the environment. The default is keyhold dev's.
# KEYHOLD names another keyhold.
set -euo pipefail

fail() {
	echo "$0: $*" >&2
	exit 1
}

[ $# -eq 1 ] || fail "usage: $0 ENDPOINT (keyhold dev names it in its banner)"
KEYHOLD=${KEYHOLD:-bin/keyhold}
export AWS_ENDPOINT_URL_KMS=$1 AWS_REGION=${AWS_REGION:-us-east-1}
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}

# dd overwrites the material in its file. Removing the file would leave it on the disk.
work=$(mktemp -d)
cleanup() {
	[ ! -e "$work/own.key" ] || dd if=/dev/zero of="$work/own.key" bs=32 count=1 conv=notrunc status=none
	rm -rf "$work"
}
trap cleanup EXIT

# Root may make a network namespace. Other users may if user namespaces are allowed.
namespace=(unshare --net)
[ "$(id -u)" -eq 0 ] || namespace=(unshare --map-root-user --net)
"${namespace[@]}" true || fail "this machine cannot make a namespace without a network (${namespace[*]}): run this script as root, or allow user namespaces"
without_network() { "${namespace[@]}" "$@"; }

"$KEYHOLD" clock show > "$work/clock" || fail "the server does not answer on the machine with a network"
! without_network "$KEYHOLD" clock show > "$work/clock" 2>&1 || fail "the server answers in the namespace without a network"

echo "1. With a network: create the key, and download the parameters for wrapping"
key=$("$KEYHOLD" import "alias/air-gapped-$$" --create --parameters-out "$work/params.json")

echo "2. Without a network: make the material and wrap it (compare the fingerprints)"
without_network "$KEYHOLD" wrap --params "$work/params.json" --generate "$work/own.key" --out "$work/wrapped.json"

echo "3. With a network: import the material for 90 days"
imported=$("$KEYHOLD" import --wrapped "$work/wrapped.json" --expires 90d)
[ "$imported" = "$key" ] || fail "the material was imported into $imported, not into $key"

echo ok
