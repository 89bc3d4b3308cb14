// Command go makes the calls of clients/README.md through the SDK for Go, against the server at the
// given endpoint. It uses only the API of the server.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// The Regions.
const (
	home   = "us-east-1"
	abroad = "eu-west-2"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./clients/go ENDPOINT")
		os.Exit(2)
	}
	w := &walk{
		ctx: context.Background(), out: os.Stdout, arns: map[string]*string{},
		kms: connect(os.Args[1], home), abroad: connect(os.Args[1], abroad),
	}
	for _, part := range []func(*walk){keys, names, symmetric, imports, signatures, agreement, grants, regions, life} {
		part(w)
	}
	if w.err != nil {
		fmt.Fprintln(os.Stderr, w.err)
		os.Exit(1)
	}
	fmt.Printf("ok %d calls\n", w.calls)
}

// connect reads nothing from the environment, so no profile can name another server.
func connect(endpoint, region string) *kms.Client {
	return kms.New(kms.Options{
		BaseEndpoint:     aws.String(endpoint),
		Region:           region,
		Credentials:      credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1,
	})
}
