package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
)

// clientOptions are the flags of the commands that are clients of the KMS API. All
// that they do not say comes from where the AWS CLI and the SDKs look, too.
type clientOptions struct {
	endpoint, region, profile string
	aws                       bool
}

func (o *clientOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.endpoint, "endpoint-url", "", "address of the server (default: AWS_ENDPOINT_URL_KMS, AWS_ENDPOINT_URL, or the profile's endpoint_url)")
	c.Flags().StringVar(&o.region, "region", "", "Region (default: AWS_REGION, or the profile's)")
	c.Flags().StringVar(&o.profile, "profile", "", "profile of the AWS configuration files (default: AWS_PROFILE)")
	c.Flags().BoolVar(&o.aws, "aws", false, "yes, AWS itself is meant, and not a server of one's own")
}

// A connection is a client, and where and as whom it sends.
type connection struct {
	*kms.Client
	endpoint string
	region   string
	aws      bool // the endpoint is AWS itself
}

// connect finds out where to send, shows it, and only then looks for credentials,
// for which the configuration may say to ask on the network.
func (o clientOptions) connect(ctx context.Context, say talk) (*connection, error) {
	c, err := o.resolve(ctx)
	if err != nil {
		return nil, err
	}
	say.step("Endpoint", "%s, Region %s", c.endpoint, c.region)
	if onTheWay(c.endpoint) {
		say.more("this is not TLS: whoever is on the way could put a wrapping key of their own in the place of the server's")
	}
	if _, err := c.Options().Credentials.Retrieve(ctx); err != nil {
		return nil, noCredentials(err)
	}
	return c, nil
}

// noCredentials leaves out what the SDK says when it has found nothing anywhere,
// which is about the instance role that it was told not to ask for.
func noCredentials(err error) error {
	if strings.Contains(err.Error(), "no EC2 IMDS role found") {
		return &refusal{"NoCredentials", "there are no credentials"}
	}
	return &refusal{"NoCredentials", fmt.Sprintf("there are no credentials: %v", err)}
}

// resolve loads the configuration and refuses an endpoint that cannot be meant. It
// sends nothing.
func (o clientOptions) resolve(ctx context.Context) (*connection, error) {
	if o.endpoint != "" {
		if u, err := url.Parse(o.endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, usageError{fmt.Errorf("--endpoint-url %q is no address: write it as https://kms.example.com or http://127.0.0.1:4599", o.endpoint)}
		}
	}
	cfg, err := config.LoadDefaultConfig(ctx, o.load()...)
	if err != nil {
		return nil, usageError{fmt.Errorf("the AWS configuration: %w", err)}
	}
	client := kms.NewFromConfig(cfg, func(k *kms.Options) {
		if o.endpoint != "" {
			k.BaseEndpoint = &o.endpoint
		}
	})
	switch {
	case client.Options().BaseEndpoint == nil && !o.aws:
		return nil, &refusal{"AWSNotMeant", "no endpoint is configured, so this would go to AWS itself"}
	case cfg.Region == "":
		return nil, &refusal{"NoRegion", "no Region is configured"}
	}
	c := &connection{Client: client, region: cfg.Region}
	if c.endpoint, c.aws, err = endpointOf(ctx, client.Options()); err != nil {
		return nil, usageError{err}
	}
	return c, o.checkMeant(c)
}

// callTime is how long a server may take for an answer. The SDK asks three times.
const callTime = time.Minute

// load returns what the flags add to the configuration. The role of a cloud
// instance means something to AWS only, and asking for it takes seconds elsewhere.
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

// checkMeant refuses AWS without --aws, and --aws for anything else.
func (o clientOptions) checkMeant(c *connection) error {
	switch {
	case c.aws && !o.aws:
		return &refusal{"AWSNotMeant", fmt.Sprintf("the endpoint %s is AWS itself", c.endpoint)}
	case !c.aws && o.aws:
		return usageError{fmt.Errorf("--aws says AWS itself, but the configured endpoint is %s: leave out --aws, or unset AWS_ENDPOINT_URL_KMS, AWS_ENDPOINT_URL and the profile's endpoint_url", c.endpoint)}
	}
	return nil
}

// now returns what the clock shows by which the server's keys live. That of a dev
// server may have been moved; all others follow wall time.
func (c *connection) now(ctx context.Context) time.Time {
	wall := time.Now().Truncate(time.Second)
	if c.aws {
		return wall
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	d := devServer{endpoint: c.endpoint, region: c.region, credentials: c.Options().Credentials}
	var clock api.ClockResponse
	if err := d.call(ctx, api.TargetDev, "ShowClock", &api.ShowClockRequest{}, &clock); err != nil || clock.Now == nil {
		return wall // no dev server, and if it is not there, the next call will tell
	}
	return clock.Now.Time().Truncate(time.Second)
}

// A refusal is an error that this program gives before a server could. Its code is
// in the table of remedies.
type refusal struct{ code, message string }

func (r *refusal) Error() string { return r.message }
