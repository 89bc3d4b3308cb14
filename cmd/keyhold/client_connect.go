package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/bounded"
)

// clientOptions are the flags of commands that send requests to a server. Values without a flag come
// from the same places as for the AWS CLI and the SDKs.
type clientOptions struct {
	endpoint, region, profile string
	pin                       string // fingerprints of the server's certificate, with commas
	aws                       bool

	// own is set for requests that are not part of the KMS API, which must not go to AWS.
	own bool
	// maxAnswers is set in tests, instead of the constant.
	maxAnswers int64
}

// flags adds the flags of a client of the KMS API.
func (o *clientOptions) flags(c *cobra.Command) {
	o.common(c.Flags().StringVar,
		"AWS_ENDPOINT_URL_KMS, AWS_ENDPOINT_URL, or the profile's endpoint_url", "AWS_REGION, or the profile's")
	c.Flags().BoolVar(&o.aws, "aws", false, "allow AWS itself as the endpoint, instead of your own server")
}

// ownFlags adds the flags of a client of Keyhold's own operations, for a command and its subcommands.
func (o *clientOptions) ownFlags(c *cobra.Command) {
	o.own = true
	o.common(c.PersistentFlags().StringVar, ownEndpoints, ownRegions)
}

// The places of endpoint and Region in requests that are not part of the KMS API.
const (
	ownEndpoints = "AWS_ENDPOINT_URL_KMS, AWS_ENDPOINT_URL, the profile's endpoint_url, or " + devEndpoint
	ownRegions   = "AWS_REGION, the profile's, or " + devRegion
)

func (o *clientOptions) common(flag func(p *string, name, value, usage string), endpoints, regions string) {
	flag(&o.endpoint, "endpoint-url", "", "address of the server (default: "+endpoints+")")
	flag(&o.region, "region", "", "Region (default: "+regions+")")
	flag(&o.profile, "profile", "", "profile of the AWS configuration files (default: AWS_PROFILE)")
	flag(&o.pin, "pin-sha256", "", "accept the server only with a certificate of this SHA-256 fingerprint, instead of "+
		"an authority; several have commas between them (default: "+pinVariable+")")
}

// devEndpoint is the default endpoint of keyhold dev.
const devEndpoint = "http://127.0.0.1:4599"

// A connection is a client of a server, with its endpoint, Region and credentials.
type connection struct {
	*kms.Client
	http        aws.HTTPClient // its answers have no bound
	endpoint    string
	region      string
	credentials aws.CredentialsProvider
	aws         bool // the endpoint is AWS itself
}

// connect resolves the endpoint, prints it, and only then looks for credentials, because the
// configuration may say to get them from the network.
func (o clientOptions) connect(ctx context.Context, progress printer) (*connection, error) {
	c, err := o.resolve(ctx)
	if err != nil {
		return nil, err
	}
	progress.step("Endpoint", "%s, Region %s", c.endpoint, c.region)
	switch {
	case lacksTLS(c.endpoint) && o.own:
		progress.more("this is not TLS: anybody on the network path can read and change the requests")
	case lacksTLS(c.endpoint):
		progress.more("this is not TLS: anybody on the network path could replace the server's wrapping key by their own")
	}
	as, err := c.credentials.Retrieve(ctx)
	if err == nil && as.SessionToken != "" && !strings.HasPrefix(as.AccessKeyID, "ASIA") {
		progress.step("Careful",
			"a session token is set (AWS_SESSION_TOKEN), but %s is not a temporary access key", as.AccessKeyID)
		progress.more("if the server refuses these credentials: unset AWS_SESSION_TOKEN")
	}
	switch {
	case err != nil && o.own && noneConfigured(err) && isLoopback(c.endpoint):
		return c, c.useDevCredentials(ctx, progress)
	case err != nil:
		return nil, noCredentials(err)
	}
	return c, nil
}

// noCredentials returns the error for missing credentials. If none are configured, it leaves out the
// SDK's error, which is about the role of the instance. The SDK was configured not to ask for this
// role.
func noCredentials(err error) error {
	if noneConfigured(err) {
		return &refusal{"NoCredentials", "there are no credentials"}
	}
	return &refusal{"NoCredentials", fmt.Sprintf("there are no credentials: %v", err)}
}

// noneConfigured reports whether no credentials are configured anywhere.
func noneConfigured(err error) bool { return strings.Contains(err.Error(), "no EC2 IMDS role found") }

// useDevCredentials uses the known credentials of dev servers if the server at this endpoint is one.
// The request that finds out carries no secret.
func (c *connection) useDevCredentials(ctx context.Context, progress printer) error {
	c.credentials = credentials.NewStaticCredentialsProvider(devAccessKey, devSecret, "")
	var clock api.ClockResponse
	err := c.call(ctx, api.TargetDev, "ShowClock", &api.ShowClockRequest{}, &clock)
	if _, refused := errors.AsType[*devRefusal](err); refused {
		return &refusal{"NoCredentials", fmt.Sprintf("there are no credentials, and %s is not a dev server", c.endpoint)}
	}
	if err != nil {
		return err
	}
	progress.step("Credentials", "%s / %s, because none are configured and this is a dev server", devAccessKey, devSecret)
	return nil
}

// maxAnswers bounds all answers to a command that keeps them in memory, in bytes: those about a million keys fit.
const maxAnswers = 2 << 30

// bounded returns a client whose answers are bounded, each one and all together.
func (o clientOptions) bounded(c bounded.Client) bounded.Client {
	return bounded.InAll(bounded.Answers(c, maxAnswer), cmp.Or(o.maxAnswers, maxAnswers))
}

// resolve loads the configuration and rejects an endpoint that the user cannot mean. It sends nothing.
func (o clientOptions) resolve(ctx context.Context) (*connection, error) {
	if o.endpoint != "" {
		if u, err := url.Parse(o.endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, usageError{fmt.Errorf("--endpoint-url %q is not an address: write it as https://kms.example.com or http://127.0.0.1:4599", o.endpoint)}
		}
	}
	cfg, err := config.LoadDefaultConfig(ctx, o.load()...)
	if err != nil {
		return nil, usageError{fmt.Errorf("the AWS configuration: %w", err)}
	}
	if o.own {
		cfg.Region = cmp.Or(cfg.Region, devRegion)
	}
	client := kms.NewFromConfig(cfg, func(k *kms.Options) {
		k.HTTPClient = o.bounded(k.HTTPClient)
		if o.endpoint != "" {
			k.BaseEndpoint = &o.endpoint
		}
		if o.own && k.BaseEndpoint == nil {
			k.BaseEndpoint = aws.String(devEndpoint)
		}
	})
	switch {
	case client.Options().BaseEndpoint == nil && !o.aws:
		return nil, &refusal{"AWSNotMeant", "no endpoint is configured, so the request would go to AWS itself"}
	case cfg.Region == "":
		return nil, &refusal{"NoRegion", "no Region is configured"}
	}
	if err := checkPath(aws.ToString(client.Options().BaseEndpoint)); err != nil {
		return nil, err
	}
	c := &connection{Client: client, http: cfg.HTTPClient, region: cfg.Region, credentials: client.Options().Credentials}
	if c.endpoint, c.aws, err = endpointOf(ctx, client.Options()); err != nil {
		return nil, usageError{err}
	}
	if err := o.checkAWS(c); err != nil {
		return nil, err
	}
	return c, o.pinServer(c)
}

// pinServer makes the connection recognise the server by a fingerprint, if the user gave one.
func (o clientOptions) pinServer(c *connection) error {
	client, err := o.pinned(c.endpoint)
	if err != nil || client == nil {
		return err
	}
	c.http = client
	c.Client = kms.New(c.Options(), func(k *kms.Options) { k.HTTPClient = o.bounded(client) })
	return nil
}

// callTime bounds the time for an answer. The SDK tries three times.
const callTime = time.Minute

// load returns the options that the flags add to the configuration. The role of a cloud instance is
// meaningful to AWS only. Elsewhere a request for it takes seconds and fails.
func (o clientOptions) load() []func(*config.LoadOptions) error {
	all := []func(*config.LoadOptions) error{
		config.WithRegion(o.region), config.WithSharedConfigProfile(o.profile),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(callTime)),
	}
	if !o.aws {
		all = append(all, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	return all
}

// checkAWS rejects AWS without --aws, and another server with --aws.
func (o clientOptions) checkAWS(c *connection) error {
	switch {
	case c.aws && o.own:
		return &refusal{"NoKeyhold", fmt.Sprintf(
			"the endpoint %s is AWS itself, which does not know this request", c.endpoint)}
	case c.aws && !o.aws:
		return &refusal{"AWSNotMeant", fmt.Sprintf("the endpoint %s is AWS itself", c.endpoint)}
	case !c.aws && o.aws:
		return usageError{fmt.Errorf(
			"--aws is for AWS itself, but the configured endpoint is %s: leave out --aws, or unset AWS_ENDPOINT_URL_KMS, "+
				"AWS_ENDPOINT_URL and the profile's endpoint_url", c.endpoint)}
	}
	return nil
}

// now returns the time of the server's clock for keys. The clock of a dev
// server may have been moved; other servers use wall time.
func (c *connection) now(ctx context.Context) time.Time {
	wall := time.Now().Truncate(time.Second)
	if c.aws {
		return wall
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var clock api.ClockResponse
	if err := c.call(ctx, api.TargetDev, "ShowClock", &api.ShowClockRequest{}, &clock); err != nil || clock.Now == nil {
		return wall // another kind of server; if there is no server, the next call fails
	}
	return clock.Now.Time().Truncate(time.Second)
}

// A refusal is an error that this program returns before it sends a request. Its code is in the table
// of remedies.
type refusal struct{ code, message string }

func (r *refusal) Error() string { return r.message }
