module github.com/keyhold/keyhold/pkcs11

go 1.26.4

replace github.com/keyhold/keyhold => ../

require (
	github.com/keyhold/keyhold v0.0.0-00010101000000-000000000000
	github.com/miekg/pkcs11 v1.1.2
	golang.org/x/sys v0.49.0
)
