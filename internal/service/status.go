package service

import (
	"maps"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/health"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/measure"
	"github.com/keyhold/keyhold/internal/nodes"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A Situation is what the host of a Service knows of the server. Members of parts that the server does not have are
// nil or zero.
type Situation struct {
	Health          health.Report
	Minutes         []measure.Minute
	Connections     int64
	MostConnections int64
	AnchorBehind    *int64 // lines
	ForwardBehind   *int64 // lines
	DiskFree        *int64 // bytes
	Certificate     Certificate
	Readings        []Reading
}

// A Certificate is what a Status shows of the TLS certificate of the server. It is zero without one.
type Certificate struct {
	Ends   time.Time
	Issuer string
	Names  []string // names and addresses
}

// The bounds of a Status: how many expiries and deletions it names, and how many entries of the index of due times it
// reads to find them.
const (
	statusMoments  = 10
	statusExamined = 1000
)

// Status describes the server that answers, and its deployment. It is not part of the KMS API.
var statusOfServer = query("Status", asks{{Action: "keyhold:Status", May: mayInDeployment}}, nil,
	func(c *call, _ *api.StatusRequest) (*api.StatusResponse, error) {
		out := &api.StatusResponse{
			Address: unlessEmpty(c.self.address), Version: unlessEmpty(c.self.version),
			Started: timestamp(c.self.started), Time: timestamp(c.now), Throttled: new(int64(c.throttled.Load())),
			Checks: []api.StatusCheck{}, Deletions: []api.StatusMoment{}, Expiries: []api.StatusMoment{},
			Minutes: []api.StatusMinute{}, Nodes: []api.StatusNode{}, Keys: []api.StatusKeys{}, Ready: true,
			Readings: []api.StatusReading{},
		}
		seals, err := c.seals.Status(c.ctx)
		if err != nil {
			return nil, err
		}
		seal := sealStatusResponse(seals)
		out.Custodies, out.RootKey = seal.Custodies, seal.RootKey
		if err := c.statusOfKeys(out); err != nil {
			return nil, err
		}
		if err := c.statusOfMoments(out); err != nil {
			return nil, err
		}
		if err := c.statusOfNodes(out); err != nil {
			return nil, err
		}
		if origin := c.audit.Origin(); origin != "" {
			out.Audit = &api.StatusAudit{Lines: new(c.audit.Reader().Size()), Origin: &origin}
		}
		if c.situation != nil {
			describeSituation(out, c.situation(c.ctx))
		}
		return out, nil
	})

// statusOfKeys adds the numbers of keys, as of the last count.
func (c *call) statusOfKeys(out *api.StatusResponse) error {
	count, err := c.census.Count(c.ctx)
	for _, state := range slices.Sorted(maps.Keys(count.Keys)) {
		out.Keys = append(out.Keys, api.StatusKeys{KeyState: new(string(state)), Count: new(count.Keys[state])})
	}
	out.KeysCounted = timestamp(count.At)
	return err
}

// statusOfMoments adds the next expiries and deletions of all accounts, from the index of due times.
func (c *call) statusOfMoments(out *api.StatusResponse) error {
	return c.view(func(v *store.View) error {
		entries, err := records.Dues.Scan(v, "", "", statusExamined)
		if err != nil {
			return err
		}
		out.Expiries, out.Deletions = out.Expiries[:0], out.Deletions[:0]
		for _, e := range entries {
			k, _, err := records.Keys.Get(v, records.KeyPathOfDue(e.Path))
			if err != nil {
				return err
			}
			addMoment(&out.Expiries, k, k.FirstExpiry())
			addMoment(&out.Deletions, k, k.DeletionDate)
			if len(out.Expiries) == statusMoments && len(out.Deletions) == statusMoments {
				break
			}
		}
		return nil
	})
}

func addMoment(to *[]api.StatusMoment, k key.Key, at time.Time) {
	if k.ID != "" && !at.IsZero() && len(*to) < statusMoments {
		*to = append(*to, api.StatusMoment{Arn: new(k.ARN()), At: timestamp(at)})
	}
}

// statusOfNodes adds the nodes that share the store.
func (c *call) statusOfNodes(out *api.StatusResponse) error {
	if !c.store.Shared() {
		return nil
	}
	all, err := nodes.List(c.ctx, c.store)
	for _, m := range all {
		out.Nodes = append(out.Nodes, api.StatusNode{
			NodeId: &m.ID, Address: unlessEmpty(m.Address), State: new(m.State()), Version: unlessEmpty(m.Version),
			Self: m.ID == c.self.node,
		})
	}
	return err
}

func describeSituation(out *api.StatusResponse, s Situation) {
	out.Ready = s.Health.Ready()
	describeReadings(out, s.Readings)
	for _, r := range s.Health {
		one := api.StatusCheck{Name: &r.Name, Passed: r.Err == nil, Degrades: r.Degrades}
		if r.Err != nil {
			one.Reason = new(r.Err.Error())
		}
		out.Checks = append(out.Checks, one)
	}
	for _, m := range s.Minutes {
		out.Minutes = append(out.Minutes, api.StatusMinute{
			Begun: timestamp(m.Begun), Requests: new(int64(m.Requests)), Refused: new(int64(m.Refused)),
			Median: new(m.Median.Microseconds()), P99: new(m.P99.Microseconds()),
		})
	}
	if s.MostConnections > 0 {
		out.Connections = &api.StatusUse{Used: &s.Connections, Limit: &s.MostConnections}
	}
	if out.Audit != nil {
		out.Audit.AnchorBehind, out.Audit.ForwardBehind = s.AnchorBehind, s.ForwardBehind
	}
	if s.DiskFree != nil {
		out.Disk = &api.StatusDisk{Free: s.DiskFree}
	}
	if c := s.Certificate; !c.Ends.IsZero() {
		out.Certificate = &api.StatusCertificate{NotAfter: timestamp(c.Ends), Issuer: unlessEmpty(c.Issuer), Names: c.Names}
	}
}

func describeReadings(out *api.StatusResponse, all []Reading) {
	for _, r := range all {
		_, low := r.Reached()
		out.Readings = append(out.Readings, api.StatusReading{
			Subject: &r.Subject, Name: &r.Name, Ends: timestamp(r.Ends), Low: low,
			Reason: &r.Fact, Remedy: unlessEmpty(r.Remedy),
		})
	}
}

// A self describes this process to operators.
type self struct {
	node, address, version string
	started                time.Time
}
