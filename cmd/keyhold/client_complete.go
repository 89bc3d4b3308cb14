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

// fixed completes a flag with words.
func fixed(c *cobra.Command, flag string, words ...string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is not there
	}
}

// completionTime is how long a person who pressed the tab key waits.
const completionTime = 2 * time.Second

// completeAlias returns the aliases that the server has now and that begin so, or
// nothing if it cannot be asked.
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
		_ = server.eachAlias(ctx, func(name, _ string) { // what came before the time was up is good
			if strings.HasPrefix(name, begun) && shown(name) == name {
				names = append(names, name)
			}
		})
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// eachAlias calls f with each alias and the ID of its key. Aliases of AWS services
// that have no key yet are left out.
func (c *connection) eachAlias(ctx context.Context, f func(name, keyID string)) error {
	pages := kms.NewListAliasesPaginator(c, &kms.ListAliasesInput{}, func(o *kms.ListAliasesPaginatorOptions) { o.StopOnDuplicateToken = true })
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
