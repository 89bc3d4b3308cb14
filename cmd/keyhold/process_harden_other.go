//go:build !linux

package main

// harden does nothing, because it uses features of Linux (SECURITY.md).
func harden() error { return nil }
