# Writes a Java keystore of a type, with an RSA key.
set -e
rm -f store
keytool -genkeypair -keyalg RSA -keysize 2048 -alias key -dname CN=test -storetype "$1" -keystore store \
	-storepass secret12 -keypass secret12 2>/dev/null >&2
cat store
