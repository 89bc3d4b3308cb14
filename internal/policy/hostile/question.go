package hostile

import (
	"fmt"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// A Question is a request and the documents for its decision, each close to its maximum size.
type Question struct {
	Request  policy.Request
	Key      string   // key policy
	Identity []string // identity-based policies of the caller; often none
	Boundary string
	Session  []string
}

// The maximum sizes of stored documents.
const (
	maxManaged = 6144
	maxInline  = 10240
	maxSession = 2048
)

// Question returns the question that the genes determine.
func (g Genes) Question() Question {
	s := &strand{genes: g[:]}
	q := Question{Request: request(s)}
	w := &writer{strand: s}
	q.Key = w.document(key.MaxPolicySize)
	if !s.chance(10) {
		return q
	}
	w.identity = true
	q.Identity = append(q.Identity, w.document(maxInline))
	for range s.pick(21) {
		q.Identity = append(q.Identity, w.document(maxManaged))
	}
	q.Boundary = w.document(maxManaged)
	q.Session = append(q.Session, w.document(maxSession))
	for range s.pick(10) {
		q.Session = append(q.Session, w.document(maxManaged))
	}
	return q
}

// Parse returns the documents of the question, or the error of the last document that is not valid.
func (q *Question) Parse() (d policy.Documents, err error) {
	one := func(text string, kind policy.Type) policy.Document {
		p, failed := policy.Parse(text, kind)
		if failed != nil {
			err = failed
		}
		return policy.Document{Name: "document", Policy: p}
	}
	d.Resource = one(q.Key, policy.KeyPolicy)
	for _, text := range q.Identity {
		d.Identity = append(d.Identity, one(text, policy.IdentityPolicy))
	}
	for _, text := range q.Session {
		d.Session = append(d.Session, one(text, policy.IdentityPolicy))
	}
	if q.Boundary != "" {
		d.Boundary = one(q.Boundary, policy.IdentityPolicy)
	}
	return d, err
}

// contextSize is the size of the encryption contexts, in bytes.
const contextSize = 8 << 10

// A conditionValues provides the values of condition keys, and counts the calls.
type conditionValues struct {
	values map[string][]string
	asked  int
}

func (v *conditionValues) Values(name string) []string {
	v.asked++
	return v.values[name]
}

// Lookups returns the number of calls for values of condition keys.
func (q *Question) Lookups() int { return q.Request.Values.(*conditionValues).asked }

// request returns a request with values of maximum size.
func request(s *strand) policy.Request {
	v := &conditionValues{values: map[string][]string{}}
	large := func(unit string, size int) []string { return []string{strings.Repeat(unit, size/len(unit))} }
	unit := s.one([]string{"a", "ab", "9", "Σ", "漢", ":", "2026-01-31T12:00:00Z", "AAAA"})
	v.values["kms:encryptioncontext:a"] = large(unit, contextSize)
	v.values["kms:encryptioncontext:b"] = large(unit, contextSize/2)
	v.values["kms:encryptioncontext:wide"] = large("Σ", contextSize)
	name := s.one([]string{"%d", "a%d", "2026-01-%d", "10.0.0.%d", "arn:aws:iam::1:user/%d", "Σ%d", "漢%d", "%d.5",
		strings.Repeat("a", 100) + "%d"})
	var names []string
	for i, size := 0, 0; size < contextSize; i++ {
		names = append(names, fmt.Sprintf(name, i))
		size += len(names[i]) + 6
		v.values["kms:encryptioncontext:"+fmt.Sprint(i)] = []string{names[i]}
	}
	v.values["kms:encryptioncontextkeys"] = names
	for i := range 50 {
		for _, family := range []string{"aws:principaltag/", "aws:resourcetag/", "aws:requesttag/"} {
			v.values[family+fmt.Sprint(i)] = large(unit, 256)
		}
		v.values["aws:tagkeys"] = append(v.values["aws:tagkeys"], strings.Repeat("k", 120)+fmt.Sprint(i))
		v.values["kms:resourcealiases"] = append(v.values["kms:resourcealiases"],
			"alias/"+strings.Repeat("a", 240)+fmt.Sprint(i))
	}
	v.values["kms:grantoperations"] = strings.Fields("Encrypt Decrypt GenerateDataKey Sign Verify")
	v.values["aws:sourceip"], v.values["aws:username"] = []string{"10.1.2.3"}, []string{"alice"}
	return policy.Request{
		Principal: policy.Principal{Kind: policy.User, Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/alice"},
		Action:    s.one([]string{"kms:Encrypt", "kms:GenerateDataKeyPairWithoutPlaintext"}),
		Resource: s.one([]string{"arn:aws:kms:eu-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
			"arn:aws:kms:eu-west-2:111122223333:alias/" + strings.Repeat("a", 250)}),
		Owner: "111122223333", Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Values: v,
	}
}
