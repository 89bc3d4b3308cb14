package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// awsDomains are the domains of AWS endpoints in all partitions: the DNS suffixes in the SDK's own
// table.
const awsDomains = `
amazonaws.com    api.aws
amazonaws.com.cn api.amazonwebservices.com.cn
amazonaws.eu     api.amazonwebservices.eu
c2s.ic.gov       api.aws.ic.gov
sc2s.sgov.gov    api.aws.scloud
csp.hci.ic.gov   api.aws.hci.ic.gov
cloud.adc-e.uk   api.cloud-aws.adc-e.uk
`

// endpointOf returns the endpoint of a client. It also reports whether this is AWS: by its name, or
// because no endpoint is configured.
func endpointOf(ctx context.Context, o kms.Options) (endpoint string, isAWS bool, err error) {
	resolved, err := o.EndpointResolverV2.ResolveEndpoint(ctx, kms.EndpointParameters{
		Endpoint:     o.BaseEndpoint,
		Region:       &o.Region,
		UseFIPS:      aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	})
	if err != nil {
		return "", false, fmt.Errorf("the endpoint: %w", err)
	}
	return strings.TrimSuffix(resolved.URI.String(), "/"), o.BaseEndpoint == nil || isAWSHost(resolved.URI.Hostname()), nil
}

func isAWSHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, domain := range strings.Fields(awsDomains) {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}

// checkPath rejects an endpoint with a path or a query, because the server answers only at the path /.
func checkPath(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err == nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == "" {
		return nil
	}
	if err != nil {
		return usageError{fmt.Errorf("the endpoint: %w", err)}
	}
	return usageError{fmt.Errorf(
		"the endpoint %s has a path or a query, but the server answers at its root only: write the endpoint as %s://%s",
		endpoint, u.Scheme, u.Host)}
}

// lacksTLS reports whether requests to the endpoint cross a network without TLS.
func lacksTLS(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" {
		return false
	}
	return !isLoopback(endpoint)
}

// isLoopback reports whether an endpoint is on this machine.
func isLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
