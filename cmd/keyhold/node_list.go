package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/nodes"
	"github.com/keyhold/keyhold/internal/store"
)

// A listedNode is a node in the JSON of keyhold node list.
type listedNode struct {
	NodeID   string `json:"nodeId"`
	State    string `json:"state"`
	Address  string `json:"address"`
	Version  string `json:"version"`
	Time     string `json:"time"`     // of its last heartbeat, by its clock
	LogBytes int64  `json:"logBytes"` // length of its audit log at that time
	Events   int    `json:"events"`   // that its audit log may lack
}

func nodeListCommand(p *place) *cobra.Command {
	var o output
	c := &cobra.Command{
		Use:   "list",
		Short: "List the nodes, their states and the lengths of their audit logs",
		Long: `List the nodes of a deployment. The states are: serving; draining (keyhold node drain);
stopped, in order; dead, and taken over by another node; removed (keyhold node remove),
until another node has done the work. A node that was killed is serving until the others
notice, after 15 seconds.`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			return p.withStore(c.Context(), func(s *store.Store) error {
				all, err := nodes.List(c.Context(), s)
				if err != nil {
					return err
				}
				return printNodes(o, all)
			})
		},
	}
	o.flag(c)
	return c
}

func printNodes(o output, all []nodes.Member) error {
	var text page
	listed := []listedNode{}
	table := text.table()
	printf(table, "NODE\tSTATE\tADDRESS\tLAST HEARTBEAT\tLOG\tEVENTS\n")
	for _, m := range all {
		n := listedNode{m.ID, m.State(), m.Address, m.Version, formatTime(m.Time), m.LogBytes, m.Events}
		listed = append(listed, n)
		printf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", n.NodeID, n.State, n.Address, n.Time,
			fmt.Sprintf("%d bytes", n.LogBytes), fmt.Sprint(n.Events))
	}
	table.Flush()
	return o.print(&text, struct {
		Nodes []listedNode `json:"nodes"`
	}{listed})
}
