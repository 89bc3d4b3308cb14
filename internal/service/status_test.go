package service

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/health"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/measure"
)

func (s summariesTest) status(who identity.Principal) *api.StatusResponse {
	s.Helper()
	out, err := s.do(who, "Status", &api.StatusRequest{})
	if err != nil {
		s.Fatal(err)
	}
	return out.(*api.StatusResponse)
}

func TestStatusNamesTheNextMoments(t *testing.T) {
	s := summariesTest{newAdministered(t), map[string]string{}}
	root := identity.Root(homeAccount)
	s.key("plain", &api.CreateKeyRequest{})
	doomed := s.key("doomed", &api.CreateKeyRequest{})
	if _, err := s.do(root, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &doomed, PendingWindowInDays: new(int32(7))}); err != nil {
		t.Fatal(err)
	}
	for i := range statusMoments + 1 {
		s.key("expiring", externalKey(), time.Duration(i+1)*24*time.Hour)
	}
	got := s.status(root)
	if len(got.Expiries) != statusMoments || len(got.Deletions) != 1 || *got.Deletions[0].Arn != "arn:aws:kms:eu-west-2:111122223333:key/"+doomed {
		t.Errorf("%d expiries, and deletions %+v", len(got.Expiries), got.Deletions)
	}
	for i, m := range got.Expiries {
		if left := m.At.Time().Sub(s.clock.Now()).Round(time.Hour); left != time.Duration(i+1)*24*time.Hour {
			t.Errorf("expiry %d is in %v", i, left)
		}
	}
	states := map[string]int64{}
	for _, k := range got.Keys {
		states[*k.KeyState] = *k.Count
	}
	if want := map[string]int64{"Enabled": statusMoments + 2, "PendingDeletion": 1}; !reflect.DeepEqual(states, want) {
		t.Errorf("got %v, want %v", states, want)
	}
	if !got.Ready || len(got.Checks) != 0 || len(got.Custodies) != 1 || got.Audit != nil || len(got.Nodes) != 0 {
		t.Errorf("a server of which nobody knows more: %+v", got)
	}
}

func TestStatusIsForOperators(t *testing.T) {
	s := newPeople(t)
	s.devAccount = homeAccount
	for _, who := range []identity.Principal{s.as("alice"), identity.Root(otherAccount)} {
		_, err := s.do(who, "Status", &api.StatusRequest{})
		s.wantRefusal(err, key.KindAccessDenied, "keyhold:Status")
	}
	s.user("alice", func(u *identity.User) {
		u.Inline = []identity.InlinePolicy{{Name: "p", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"keyhold:Status","Resource":"*"}]}`}}
	})
	if _, err := s.do(s.as("alice"), "Status", &api.StatusRequest{}); err != nil {
		t.Error(err)
	}
}

func TestStatusHasTheSituation(t *testing.T) {
	p := people{t, openLike(t, func(c *Config) {
		c.Address, c.Version, c.DevAccount = "192.0.2.1:4599", "v1", homeAccount
		c.Situation = func(context.Context) Situation {
			return Situation{
				Health:      health.Report{{Name: "store"}, {Name: "disk", Degrades: true, Err: errors.New("it is full")}},
				Minutes:     []measure.Minute{{Begun: time.Unix(60, 0), Requests: 9, Refused: 2, Median: time.Millisecond, P99: time.Second}},
				Connections: 3, MostConnections: 4, DiskFree: new(int64(5)),
				Certificate: Certificate{Ends: time.Unix(120, 0), Issuer: "CN=i", Names: []string{"a", "127.0.0.1"}},
			}
		}
	})}
	s := summariesTest{people: p}
	got := s.status(identity.Root(homeAccount))
	want := &api.StatusResponse{
		Address: new("192.0.2.1:4599"), Version: new("v1"), Ready: true,
		Checks: []api.StatusCheck{{Name: new("store"), Passed: true}, {Name: new("disk"), Degrades: true, Reason: new("it is full")}},
		Minutes: []api.StatusMinute{{
			Begun: api.NewTimestamp(time.Unix(60, 0)), Requests: new(int64(9)), Refused: new(int64(2)), Median: new(int64(1000)), P99: new(int64(1_000_000)),
		}},
		Connections: &api.StatusUse{Used: new(int64(3)), Limit: new(int64(4))}, Disk: &api.StatusDisk{Free: new(int64(5))},
		Certificate: &api.StatusCertificate{NotAfter: api.NewTimestamp(time.Unix(120, 0)),
			Issuer: new("CN=i"), Names: []string{"a", "127.0.0.1"}},
		Throttled: new(int64(0)), Deletions: []api.StatusMoment{}, Expiries: []api.StatusMoment{}, Keys: []api.StatusKeys{}, Nodes: []api.StatusNode{},
		Custodies: got.Custodies, RootKey: got.RootKey, Readings: []api.StatusReading{}, Started: got.Started, Time: got.Time, KeysCounted: got.KeysCounted,
	}
	if !reflect.DeepEqual(got, want) || got.RootKey == nil {
		t.Errorf("got %+v, want %+v", got, want)
	}
	unready := new(api.StatusResponse)
	describeSituation(unready, Situation{Health: health.Report{{Name: "store", Err: errors.New("gone")}}})
	if unready.Ready {
		t.Error("a server whose store is gone is ready")
	}
}
