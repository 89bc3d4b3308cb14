// Package recipients seals files to people: shares of custodians, and backups.
//
// A recipient has one of two forms. A recipient of age, or a public key of SSH, gets a file of age. A recipient of HPKE
// (RFC 9180) gets a file that uses approved algorithms only, for FIPS mode: docs/recipients.md describes the format.
// Parse finds the form in the text of a recipient, and Open in the file.
//
// The package reads and writes no files.
package recipients
