# Writes the outer structure of a BCFKS keystore, with zeros for what is encrypted.
cat > bcfks.conf <<'C'
asn1=SEQUENCE:store
[store]
data=SEQUENCE:encrypted
check=SEQUENCE:mac
[encrypted]
algorithm=SEQUENCE:pbes2
content=FORMAT:HEX,OCT:000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
[pbes2]
oid=OID:1.2.840.113549.1.5.13
[mac]
algorithm=SEQUENCE:hmac
pbkd=SEQUENCE:pbkdf2
mac=FORMAT:HEX,OCT:00000000000000000000000000000000000000000000000000000000000000000000000000000000
[hmac]
oid=OID:1.2.840.113549.2.11
[pbkdf2]
oid=OID:1.2.840.113549.1.5.12
C
openssl asn1parse -genconf bcfks.conf -noout -out bcfks.der && cat bcfks.der
