// Package keyfile recognises files of key material. [Read] first finds out what a file is, and then whether
// the material in it can be read safely. A file that is not read gets its true name, and its owner a command
// that writes the material in a form that is read, without a change to the file.
//
// The package reads bytes, raw, in hexadecimal, in base64 or in a JSON Web Key, and private keys in PEM,
// DER and JSON Web Keys, encrypted or not; docs/import-files.md lists all. It validates private keys with
// package privatekey, opens no files and asks nobody. No error holds any of the content. Buffers that held
// material are cleared.
package keyfile
