package main

import (
	"io"
	"net"
)

// printBanner shows how to reach a dev server. It writes once: who waits for the endpoint
// finds all of the banner.
func printBanner(w io.Writer, o devOptions, addr string) {
	var p page
	kept := "in memory: everything is gone when it stops"
	if o.data != "" {
		kept = "sealed in " + o.data
	}
	p.printf(`Keyhold dev server (%s)

  endpoint     http://%[2]s
  credentials  %[3]s / %[4]s, the root of account %[5]s
`, kept, addr, devAccessKey, devSecret, o.account)
	if o.anyCredentials {
		p.printf("               and ANY OTHERS, unverified (--any-credentials); 12 digits name an account\n")
	}
	p.printf(`  Region       any

For the shell:
  export AWS_ENDPOINT_URL_KMS=http://%[1]s
  export AWS_ACCESS_KEY_ID=%[2]s AWS_SECRET_ACCESS_KEY=%[3]s AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
For the AWS CLI (old versions heed no endpoint in the environment, so name it):
  aws --endpoint-url http://%[1]s kms create-key --origin EXTERNAL
For the clock that keys and import tokens live by:
  keyhold clock advance 25h --endpoint-url http://%[1]s

`, addr, devAccessKey, devSecret)
	host, _, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (ip == nil || !ip.IsLoopback()) {
		p.printf("Anybody who reaches %s can use these credentials: they are for tests only.\n\n", addr)
	}
	p.writeTo(w)
}
