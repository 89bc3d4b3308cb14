package main

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// TestEndpointsOfAWS checks that every endpoint that the SDK chooses by itself counts as AWS: in
// each partition, with FIPS and with IPv6.
func TestEndpointsOfAWS(t *testing.T) {
	for _, region := range []string{
		"us-east-1", "eu-west-2", "cn-north-1", "us-gov-west-1", "eusc-de-east-1",
		"us-iso-east-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1", "xx-nowhere-9",
	} {
		for _, fips := range []aws.FIPSEndpointState{aws.FIPSEndpointStateDisabled, aws.FIPSEndpointStateEnabled} {
			for _, dual := range []aws.DualStackEndpointState{aws.DualStackEndpointStateDisabled, aws.DualStackEndpointStateEnabled} {
				o := kms.New(kms.Options{Region: region}).Options()
				o.EndpointOptions.UseFIPSEndpoint, o.EndpointOptions.UseDualStackEndpoint = fips, dual
				endpoint, isAWS, err := endpointOf(t.Context(), o)
				if err != nil || !isAWS {
					t.Errorf("%s: %s, %v", region, endpoint, err)
				}
				// The endpoint is also AWS if the user names it.
				o = kms.New(kms.Options{Region: region, BaseEndpoint: &endpoint}).Options()
				if again, isAWS, err := endpointOf(t.Context(), o); again != endpoint || !isAWS || err != nil {
					t.Errorf("%s: %s, %v, %v", endpoint, again, isAWS, err)
				}
			}
		}
	}
}

func TestIsAWSHost(t *testing.T) {
	for host, want := range map[string]bool{
		"kms.us-east-1.amazonaws.com":                     true,
		"KMS.US-EAST-1.AMAZONAWS.COM":                     true,
		"kms.us-east-1.amazonaws.com.":                    true,
		"vpce-1-2.kms.us-east-1.vpce.amazonaws.com":       true,
		"amazonaws.com":                                   true,
		"127.0.0.1":                                       false,
		"localhost":                                       false,
		"keyhold.example.com":                             false,
		"notamazonaws.com":                                false,
		"kms.us-east-1.amazonaws.com.keyhold.example.com": false,
		"": false,
	} {
		if got := isAWSHost(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestLacksTLS(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"http://keyhold:4599": true, "http://10.0.0.1": true, "http://[2001:db8::1]:4599": true,
		"https://keyhold": false, "http://127.0.0.1:4599": false, "http://127.1.2.3": false, "http://localhost:4599": false, "http://[::1]:4599": false,
	} {
		if got := lacksTLS(endpoint); got != want {
			t.Errorf("%s: %v", endpoint, got)
		}
	}
}
