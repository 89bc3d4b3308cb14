# Writes a Java keystore of a type, with an RSA key.
set -e
rm -f store
command -v keytool >/dev/null || { echo 'keytool: not found' >&2; exit 127; }
keytool -genkeypair -keyalg RSA -keysize 2048 -alias key -dname CN=test -storetype "$1" -keystore store \
	-storepass secret12 -keypass secret12 2>/dev/null >&2
cat store
