package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/spf13/cobra"
)

// completeWords registers the words that complete a flag.
func completeWords(c *cobra.Command, flag string, words ...string) {
	complete := cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	if err := c.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // the command does not have the flag
	}
}

// completionTime bounds how long a completion may take after a press of the tab key.
const completionTime = 2 * time.Second

// completeAlias completes the aliases that the server has now. It completes nothing if the server
// cannot answer.
func completeAlias(o *clientOptions) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(context.Background(), completionTime)
		defer cancel()
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		server, err := o.connect(ctx, printer{io.Discard})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []cobra.Completion
		// Without all aliases, those that arrived in time are still completions.
		_ = server.eachAlias(ctx, func(name, _ string) {
			if strings.HasPrefix(name, begun) && escapeText(name) == name {
				names = append(names, name)
			}
		})
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// eachAlias calls f with each alias and the ID of its key. It leaves out aliases of AWS services that
// have no key yet.
func (c *connection) eachAlias(ctx context.Context, f func(name, keyID string)) error {
	pages := kms.NewListAliasesPaginator(c, &kms.ListAliasesInput{}, func(o *kms.ListAliasesPaginatorOptions) {
		o.StopOnDuplicateToken = true
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, a := range page.Aliases {
			if a.TargetKeyId != nil {
				f(aws.ToString(a.AliasName), *a.TargetKeyId)
			}
		}
	}
	return nil
}
