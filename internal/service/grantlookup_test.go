package service

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

const testAlice = "arn:aws:iam::" + homeAccount + ":user/alice"

// A lookupTest is a key with a policy that allows nothing, so that only grants allow requests.
type lookupTest struct {
	testing.TB
	*Service
	c   *readCounter
	key key.Key
}

func newLookupTest(t testing.TB) *lookupTest {
	t.Helper()
	s, c, k, _ := openCounting(t, 0)
	l := &lookupTest{t, s, c, k}
	l.check(s.store.View(t.Context(), func(v *store.View) (err error) {
		l.key, _, err = records.WholeKeys.Get(v, records.PathOf(k))
		return err
	}))
	return l
}

func (l *lookupTest) check(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// grant adds a grant to alice.
func (l *lookupTest) grant(operations []string, c key.GrantConstraints) key.Grant {
	l.Helper()
	g := key.Grant{
		ID: newGrantID(), Account: l.key.Account, Region: l.key.Region, KeyID: l.key.ID,
		Grantee: testAlice, Operations: operations, Constraints: c,
	}
	l.check(l.store.Update(l.Context(), func(tx *store.Tx) error { return records.InsertGrant(tx, g) }))
	return g
}

// ask returns the question of a request by alice. She has no policies.
func (l *lookupTest) ask(operation string, in any) *question {
	l.Helper()
	op, ok := l.Find(operation)
	if !ok {
		l.Fatal(operation)
	}
	alice := identity.Principal{Kind: identity.KindUser, AccountID: l.key.Account, ARN: testAlice}
	c := &call{Service: l.Service, Request: Request{Caller: identity.Caller{Principal: alice, Region: l.key.Region}, Operation: op, Input: in}, ctx: l.Context(), now: l.clock.Now()}
	c.hasDocuments = true
	q, err := c.question("kms:"+operation, target{ref: referenceTo(l.key)}, l.key)
	l.check(err)
	q.documents.Resource, err = c.keyPolicy(l.key, l.key.ARN())
	l.check(err)
	return &q
}

func (l *lookupTest) isAllowed(q *question) bool {
	l.Helper()
	d, err := q.byGrants(l.key)
	l.check(err)
	return d.Allowed
}

// randomSome returns a random selection.
func randomSome(r *rand.Rand, all ...string) (some []string) {
	for _, s := range all {
		if r.IntN(2) == 0 {
			some = append(some, s)
		}
	}
	return some
}

func randomContext(r *rand.Rand) map[string]string {
	context := map[string]string{}
	for _, name := range randomSome(r, "a", "A", "b", "ß", "ẞ") {
		context[name] = fmt.Sprint(r.IntN(2))
	}
	return context
}

func randomConstraints(r *rand.Rand) (c key.GrantConstraints) {
	if r.IntN(3) == 0 {
		c.ContextEquals = randomContext(r)
	}
	if r.IntN(2) == 0 {
		c.ContextSubset = randomContext(r)
	}
	if r.IntN(8) == 0 {
		c.SourceARN = "arn:aws:s3:::bucket"
	}
	return c
}

// randomQuestion returns a request that a grant may allow.
func (l *lookupTest) randomQuestion(r *rand.Rand) (string, *question) {
	id, context := &l.key.ID, randomContext(r)
	switch r.IntN(4) {
	case 0:
		return "DescribeKey", l.ask("DescribeKey", &api.DescribeKeyRequest{KeyId: id})
	case 1:
		child := randomConstraints(r)
		in := &api.CreateGrantRequest{KeyId: id, GranteePrincipal: new(testApp), Operations: append(randomSome(r, "Encrypt", "CreateGrant"), "Decrypt"),
			Constraints: &api.GrantConstraints{EncryptionContextEquals: child.ContextEquals, EncryptionContextSubset: child.ContextSubset}}
		return fmt.Sprintf("CreateGrant %v %v", in.Operations, child), l.ask("CreateGrant", in)
	case 2:
		return fmt.Sprintf("Encrypt %v", context), l.ask("Encrypt", &api.EncryptRequest{KeyId: id, Plaintext: []byte("x"), EncryptionContext: context})
	}
	return fmt.Sprintf("Decrypt %v", context), l.ask("Decrypt", &api.DecryptRequest{KeyId: id, EncryptionContext: context})
}

// The index finds an allowing grant exactly if one of all grants allows the request, while grants
// are created and removed.
func TestGrantLookupMissesNothing(t *testing.T) {
	l, r := newLookupTest(t), rand.New(rand.NewPCG(13, 91))
	var all []key.Grant
	allowed, asked := 0, 0
	for range 300 {
		if len(all) > 12 || len(all) > 0 && r.IntN(3) == 0 {
			i := r.IntN(len(all))
			l.check(l.store.Update(t.Context(), func(tx *store.Tx) error { return records.RemoveGrant(tx, all[i]) }))
			all = slices.Delete(all, i, i+1)
		} else {
			operations := append(randomSome(r, "Encrypt", "DescribeKey", "CreateGrant"), "Decrypt")
			all = append(all, l.grant(operations[:1+r.IntN(len(operations))], randomConstraints(r)))
		}
		for range 15 {
			what, q := l.randomQuestion(r)
			want := len(all) > 0 && q.decide(q.documents, all).Allowed
			if got := l.isAllowed(q); got != want {
				t.Fatalf("%s: %v by the index, %v by all grants: %+v", what, got, want, all)
			}
			if asked++; want {
				allowed++
			}
		}
	}
	if allowed < asked/10 || allowed > asked*9/10 {
		t.Errorf("%d of %d were allowed: the test says little", allowed, asked)
	}
}

// manyGrants are sets of grants that do not match manyQuestions, by the part that differs.
var manyGrants = map[string]func(i int) ([]string, key.GrantConstraints){
	"another context": func(i int) ([]string, key.GrantConstraints) {
		return []string{"Decrypt"}, key.GrantConstraints{ContextEquals: map[string]string{"n": fmt.Sprint(i)}}
	},
	"another pair": func(i int) ([]string, key.GrantConstraints) {
		return []string{"Decrypt", "CreateGrant"}, key.GrantConstraints{ContextSubset: map[string]string{"a": "1", "n": fmt.Sprint(i)}}
	},
	"another operation": func(int) ([]string, key.GrantConstraints) {
		return []string{"GenerateDataKey"}, key.GrantConstraints{}
	},
	"a resource of a service": func(i int) ([]string, key.GrantConstraints) {
		return []string{"Decrypt"}, key.GrantConstraints{SourceARN: fmt.Sprintf("arn:aws:s3:::%d", i)}
	},
	"operations that cannot be handed on": func(int) ([]string, key.GrantConstraints) {
		return []string{"CreateGrant", "Encrypt"}, key.GrantConstraints{}
	},
	"as many shapes as there can be": func(i int) ([]string, key.GrantConstraints) {
		subset := map[string]string{"n": fmt.Sprint(i)}
		for bit, name := range []string{"a", "b", "c", "d", "e"} {
			if i%records.MaxGrantShapes>>bit&1 == 1 {
				subset[name] = "1"
			}
		}
		return []string{"Decrypt", "CreateGrant"}, key.GrantConstraints{ContextSubset: subset}
	},
}

// manyQuestions are requests that manyGrants do not allow.
func (l *lookupTest) manyQuestions() map[string]*question {
	id := &l.key.ID
	context := map[string]string{"a": "1", "b": "1", "c": "1", "d": "1", "e": "1", "n": "none"}
	return map[string]*question{
		"Decrypt":     l.ask("Decrypt", &api.DecryptRequest{KeyId: id, EncryptionContext: context}),
		"GenerateMac": l.ask("GenerateMac", &api.GenerateMacRequest{KeyId: id}),
		"CreateGrant": l.ask("CreateGrant", &api.CreateGrantRequest{KeyId: id, GranteePrincipal: new(testApp), Operations: []string{"Decrypt"},
			Constraints: &api.GrantConstraints{EncryptionContextSubset: context}}),
		"DescribeKey": l.ask("DescribeKey", &api.DescribeKeyRequest{KeyId: id}),
	}
}

// A request reads only the shapes, however many grants do not match it.
func TestGrantsThatDoNotMatchCostNothing(t *testing.T) {
	for name, grant := range manyGrants {
		l := newLookupTest(t)
		for i := range 200 {
			l.grant(grant(i))
		}
		for what, q := range l.manyQuestions() {
			if l.isAllowed(q) {
				t.Fatalf("%s, %s: allowed", name, what)
			}
			if read := l.c.reads(func() { l.isAllowed(q) }); read["grant"]+read["grant-match"]+read["grant-of-grantee"] > 0 || read["grant-shapes"] > 2 {
				t.Errorf("%s, %s: reads %v", name, what, read)
			}
		}
	}
}

// The number of shapes, and of names of pairs, of a principal's grants on a key is limited.
// Removing a grant makes room.
func TestShapesOfGrantsAreBounded(t *testing.T) {
	l := newLookupTest(t)
	var last key.Grant
	for i := range records.MaxGrantShapes {
		last = l.grant([]string{"Decrypt"}, key.GrantConstraints{ContextSubset: map[string]string{fmt.Sprint(i): "x"}})
	}
	refused := func(c key.GrantConstraints) {
		t.Helper()
		g := last
		g.ID, g.Constraints = newGrantID(), c
		err := l.store.Update(t.Context(), func(tx *store.Tx) error { return records.InsertGrant(tx, g) })
		if e, ok := err.(*key.Error); !ok || e.Kind != key.KindLimitExceeded {
			t.Errorf("%v", err)
		}
	}
	refused(key.GrantConstraints{ContextSubset: map[string]string{"another": "x"}})
	refused(key.GrantConstraints{})
	l.grant([]string{"Decrypt"}, key.GrantConstraints{ContextSubset: map[string]string{"0": "another value"}})
	l.check(l.store.Update(t.Context(), func(tx *store.Tx) error { return records.RemoveGrant(tx, last) }))
	refused(key.GrantConstraints{ContextSubset: map[string]string{string(make([]byte, records.MaxGrantShapeNames)): "x"}})
	l.grant([]string{"Decrypt"}, key.GrantConstraints{})
	refused(key.GrantConstraints{ContextSubset: map[string]string{"another": "x"}})
}

// BenchmarkRefusedWithGrants compares the refusals of principals with no grants on a key
// and with grants that do not match.
func BenchmarkRefusedWithGrants(b *testing.B) {
	for _, name := range []string{"another context", "as many shapes as there can be"} {
		for _, n := range []int{0, 10, key.MaxGrants} {
			l := newLookupTest(b)
			for i := range n {
				l.grant(manyGrants[name](i))
			}
			for _, what := range []string{"Decrypt", "CreateGrant"} {
				q := l.manyQuestions()[what]
				b.Run(fmt.Sprintf("%s/%s/%d", name, what, n), func(b *testing.B) {
					for b.Loop() {
						if l.isAllowed(q) {
							b.Fatal("allowed")
						}
					}
				})
			}
		}
	}
}
