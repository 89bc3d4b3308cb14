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
		Long: `Show how the server decides about a request, and why: the statement or the grant
that decides, each document that is read, each condition with the value that it
sees. Nothing is carried out. The server answers by what it decides requests by.

It is for the root of an account and whoever that lets do keyhold:ExplainDecision,
and about the principals and the keys of that account. Of another account's
principal on a key of one's own, the own side is shown, and the other way round.

--request is about a past request, by the ID in its answer and its error. What it
was, the audit log has; policies and grants are those of now. Without it, the
request is what the flags say: KEY is a key ID, an alias, or the ARN of either, and
members are named as in the API: --member SigningAlgorithm=ECDSA_SHA_256.

The exit code is 0 once the decision is explained, whatever it is.`,
		Example: `  keyhold explain --principal arn:aws:iam::111122223333:user/alice --action kms:Decrypt --key alias/payroll --context app=payroll
  keyhold explain --request 0d1e4ea3-ecf6-4aec-bf0b-4a1d2a8a9ab1`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			in, err := o.asked()
			if err := errors.Join(err, o.output.check(c)); err != nil {
				return err
			}
			if !c.Flags().Changed("region") {
				client.region = o.regionOfKey()
			}
			at, err := client.connect(c.Context(), talk{c.ErrOrStderr()})
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
	f.StringVar(&o.principal, "principal", "", "ARN of who asks: the root of an account, a user, a role, a session of a role")
	f.StringVar(&o.action, "action", "", "what it asks for, such as kms:Decrypt")
	f.StringVar(&o.key, "key", "", "key that it is about")
	f.StringArrayVar(&o.context, "context", nil, "pair of the encryption context, NAME=VALUE; may be repeated")
	f.StringArrayVar(&o.grantTokens, "grant-token", nil, "grant token of the request; may be repeated")
	f.StringArrayVar(&o.members, "member", nil, "another member of the request, NAME=VALUE, lists with commas, all else as JSON; may be repeated")
	f.StringVar(&o.sourceIP, "source-ip", "", "address that the request comes from (default: none, as if it were not known)")
	o.output.flag(c)
}

// asked is what the flags ask.
func (o *decisionOptions) asked() (*api.ExplainDecisionRequest, error) {
	given := o.principal != "" || o.action != "" || o.key != "" || o.sourceIP != "" || len(o.context)+len(o.grantTokens)+len(o.members) > 0
	switch {
	case o.request != "" && given:
		return nil, usageError{errors.New("--request says it all: leave out what else describes a request")}
	case o.request != "":
		return &api.ExplainDecisionRequest{RequestId: &o.request}, nil
	case o.principal == "" || o.action == "":
		return nil, usageError{errors.New("keyhold explain needs --principal and --action, and --key where the action is about a key; or --request")}
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

// pairs reads NAME=VALUE, each name once.
func pairs(flag string, from []string) (map[string]string, error) {
	if from == nil {
		return nil, nil
	}
	all := map[string]string{}
	for _, text := range from {
		name, value, ok := strings.Cut(text, "=")
		if _, twice := all[name]; !ok || name == "" || twice {
			return nil, usageError{fmt.Errorf("%s %q is no pair, or the second one of its name: write each as NAME=VALUE", flag, name)}
		}
		all[name] = value
	}
	return all, nil
}

// regionOfKey returns the Region in the ARN of the key, "" where there is none.
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
