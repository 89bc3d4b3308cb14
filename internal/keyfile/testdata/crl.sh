# Writes a CRL in the form PEM or DER.
set -e
mkdir -p ca && : > ca/index && echo 01 > ca/number
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=ca/index\ncrlnumber=ca/number\ndefault_md=sha256\ndefault_crl_days=1\n' > ca/conf
openssl req -x509 -new -key ec.pem -subj /CN=test -out ca/cert.pem
openssl ca -gencrl -config ca/conf -keyfile ec.pem -cert ca/cert.pem -out ca/crl.pem 2>/dev/null
openssl crl -in ca/crl.pem -outform "$1"
