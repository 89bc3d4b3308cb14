package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
)

// decisionOptions are the flags of keyhold explain.
type decisionOptions struct {
	request                       string
	principal, action, key        string
	context, grantTokens, members []string
	sourceIP                      string
	output                        output
}

func explainCommand() *cobra.Command {
	var client clientOptions
	var o decisionOptions
	c := &cobra.Command{
		Use:   "explain --principal ARN --action ACTION [--key KEY] | --request ID",
		Short: "Show how the server decides about a request, and why",
		Long: `Show how the server decides about a request, and why: the statement or grant that
decides, each document that the server reads, and each condition with the value that
it compares. The request is not carried out. The server uses the same rules as for
real requests.

The command is for the root of an account, and for principals that the root allows
keyhold:ExplainDecision. It explains requests that concern principals or keys of this
account. If principal and key belong to different accounts, the contents of policies
and grants of the other account are not shown.

--request explains a past request by the ID in its response or error. The request is
read from the audit log; policies and grants are the current ones. Without --request,
the flags describe the request: KEY is a key ID, an alias, or the ARN of either, and
members have the names of the API: --member SigningAlgorithm=ECDSA_SHA_256.

The exit code is 0 if the decision was explained, whatever the decision is.`,
		Example: `  keyhold explain --principal arn:aws:iam::111122223333:user/alice --action kms:Decrypt --key alias/payroll --context app=payroll
  keyhold explain --request 0d1e4ea3-ecf6-4aec-bf0b-4a1d2a8a9ab1`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			in, err := o.input()
			if err := errors.Join(err, o.output.check(c)); err != nil {
				return err
			}
			if !c.Flags().Changed("region") {
				client.region = o.regionOfKey()
			}
			at, err := client.connect(c.Context(), printer{c.ErrOrStderr()})
			if err != nil {
				return err
			}
			return explainDecision(c.Context(), at, in, &o.output)
		},
	}
	client.ownFlags(c)
	o.flags(c)
	return c
}

func (o *decisionOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.request, "request", "", "ID of a past request")
	f.StringVar(&o.principal, "principal", "",
		"ARN of the caller: the root of an account, a user, a role, or a session of a role")
	f.StringVar(&o.action, "action", "", "action of the request, such as kms:Decrypt")
	f.StringVar(&o.key, "key", "", "key of the request")
	f.StringArrayVar(&o.context, "context", nil, "pair of the encryption context, NAME=VALUE; may be repeated")
	f.StringArrayVar(&o.grantTokens, "grant-token", nil, "grant token of the request; may be repeated")
	f.StringArrayVar(&o.members, "member", nil,
		"another member of the request, NAME=VALUE, with lists separated by commas and other values as JSON; may be "+
			"repeated")
	f.StringVar(&o.sourceIP, "source-ip", "", "source address of the request (default: unknown)")
	o.output.flag(c)
}

// input returns the request that the flags describe.
func (o *decisionOptions) input() (*api.ExplainDecisionRequest, error) {
	given := o.principal+o.action+o.key+o.sourceIP != "" || len(o.context)+len(o.grantTokens)+len(o.members) > 0
	switch {
	case o.request != "" && given:
		return nil, usageError{errors.New(
			"--request describes the whole request: leave out the other flags that describe a request")}
	case o.request != "":
		return &api.ExplainDecisionRequest{RequestId: &o.request}, nil
	case o.principal == "" || o.action == "":
		return nil, usageError{errors.New(
			"keyhold explain needs --request, or --principal and --action, and --key if the action is about a key")}
	}
	in := &api.ExplainDecisionRequest{PrincipalArn: &o.principal, Action: &o.action, GrantTokens: o.grantTokens}
	if o.key != "" {
		in.KeyId = &o.key
	}
	if o.sourceIP != "" {
		in.SourceIp = &o.sourceIP
	}
	var errs [2]error
	in.EncryptionContext, errs[0] = pairs("--context", o.context)
	in.Members, errs[1] = pairs("--member", o.members)
	return in, errors.Join(errs[:]...)
}

// pairs parses NAME=VALUE texts. A name may occur once.
func pairs(flag string, from []string) (map[string]string, error) {
	if from == nil {
		return nil, nil
	}
	all := map[string]string{}
	for _, text := range from {
		name, value, ok := strings.Cut(text, "=")
		if _, twice := all[name]; !ok || name == "" || twice {
			return nil, usageError{fmt.Errorf(
				"%s %q is not NAME=VALUE, or repeats a name: write each pair once, as NAME=VALUE", flag, name)}
		}
		all[name] = value
	}
	return all, nil
}

// regionOfKey returns the Region in the ARN of the key, or "" if the key is not an ARN.
func (o *decisionOptions) regionOfKey() string {
	if parts := strings.Split(o.key, ":"); len(parts) == 6 && parts[0] == "arn" {
		return parts[3]
	}
	return ""
}

func explainDecision(ctx context.Context, at *connection, in *api.ExplainDecisionRequest, to *output) error {
	var explained api.ExplainDecisionResponse
	if err := at.call(ctx, api.TargetAdmin, "ExplainDecision", in, &explained); err != nil {
		return err
	}
	return to.print(decisionReport{explained}.text(), explained)
}
