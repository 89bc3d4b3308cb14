// Package host opens, wires and closes a server. It has no flags and prints nothing: the commands
// dev, serve, init and verify, and package kmstest, decide what a server is for.
package host
