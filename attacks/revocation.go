package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	raceTrials = 2000
	loopers    = 2 // connections of the user who loses the permission
)

// mayEverything is an identity-based policy that allows everything.
const mayEverything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// keyPolicy returns a key policy that lets the account do everything, and denies everything to a user in a
// second statement.
func keyPolicy(sid, denied string) string {
	deny := ""
	if denied != "" {
		deny = `,{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::` + account + `:user/` + denied +
			`"},"Action":"kms:*","Resource":"*"}`
	}
	return `{"Version":"2012-10-17","Statement":[{"Sid":"s` + sid +
		`","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"}` + deny +
		`]}`
}

// quote returns text as a JSON string.
func quote(text string) string {
	b, _ := json.Marshal(text) // strings cause no error
	return string(b)
}

// races is the state that all trials share.
type races struct {
	root, mallory, second *caller
	secondKey             string
	other                 string // a key
	numbers               atomic.Int64
	trials, landed        int
	slowest               time.Duration // duration of a revocation
	late                  []string      // operations that had an effect after a revocation
}

// revocationRaces loops on every changing operation while the permission is revoked, and counts effects after
// the revocation was acknowledged.
func revocationRaces(ctx context.Context, l *lab) (string, error) {
	regions := []string{region}
	for i := 1; i < 60; i++ {
		regions = append(regions, fmt.Sprintf("eu-west-%d", i))
	}
	s, err := l.serve("--regions", strings.Join(regions, ","))
	if err != nil {
		return "", err
	}
	r := &races{root: s.caller(s.root, 4)}
	if err := r.begin(ctx, s); err != nil {
		return "", err
	}
	all := len(keyRaces) + len(userRaces) + len(rootRaces)
	for i := range raceTrials {
		if err := r.trial(ctx, i%all); err != nil {
			return "", err
		}
	}
	figure := fmt.Sprintf("%d trials of %d loops of changes, %d effects after a revocation%s; the slowest revocation "+
		"took %.0f ms",
		r.trials, all, r.landed, list(r.late), ms(r.slowest))
	return figure, checkBar(r.landed == 0, "%d effects after a revocation", r.landed)
}

func list(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// begin creates the user and the access key that will lose their permissions.
func (r *races) begin(ctx context.Context, s *server) (err error) {
	if r.mallory, err = s.newUser(ctx, r.root, "mallory", mayEverything); err != nil {
		return err
	}
	made, err := r.root.must(ctx, "RotateAccessKey", `{}`)
	if err != nil {
		return err
	}
	r.secondKey = made.text("Made", "AccessKeyId")
	r.second = s.caller(aws.Credentials{AccessKeyID: r.secondKey, SecretAccessKey: made.text("Made", "SecretAccessKey")},
		loopers)
	k, err := r.root.must(ctx, "CreateKey", `{}`)
	r.other = k.text("KeyMetadata", "KeyId")
	return err
}

// A trial is one run of a race.
type trial struct {
	*races
	race
	who        *caller
	words      *strings.Replacer // replaces words that are the same in all requests
	revoke     step
	restore    step
	lastN      atomic.Int64
	grant      atomic.Pointer[string]
	revoked    atomic.Bool
	done       atomic.Int64 // number of successful requests
	afterwards atomic.Pointer[string]
}

func (r *races) trial(ctx context.Context, i int) error {
	t := &trial{races: r, who: r.mallory}
	switch users := i - len(keyRaces); {
	case users < 0:
		t.race = keyRaces[i]
		t.revoke = step{"PutKeyPolicy", `{"KeyId":"KEY","Policy":` + quote(keyPolicy("0", "mallory")) + `}`}
	case users < len(userRaces):
		t.race = userRaces[users]
		t.revoke = step{"SetIdentityState", `{"Kind":"user","Name":"mallory","Enabled":false}`}
		t.restore = step{"SetIdentityState", `{"Kind":"user","Name":"mallory","Enabled":true}`}
	default:
		t.race, t.who = rootRaces[users-len(userRaces)], r.second
		t.revoke = step{"SetIdentityState", `{"AccessKeyId":"` + r.secondKey + `","Enabled":false}`}
		t.restore = step{"SetIdentityState", `{"AccessKeyId":"` + r.secondKey + `","Enabled":true}`}
	}
	if err := t.begin(ctx); err != nil {
		return err
	}
	changed, err := t.run(ctx)
	if err != nil {
		return err
	}
	r.trials++
	if changed != "" {
		r.landed++
		if !strings.Contains(strings.Join(r.late, " "), changed) {
			r.late = append(r.late, changed)
		}
	}
	if t.restore.operation != "" {
		_, err = r.root.must(ctx, t.restore.operation, t.restore.members)
	}
	return err
}

// begin creates the key of the trial and runs the preparing steps.
func (t *trial) begin(ctx context.Context) error {
	id, importing := "", ""
	if t.create != "" {
		made, err := t.root.must(ctx, "CreateKey", t.create)
		if err != nil {
			return err
		}
		id = made.text("KeyMetadata", "KeyId")
	}
	if t.create == external {
		var err error
		if importing, err = t.wrap(ctx, id); err != nil {
			return err
		}
	}
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + account +
		`"},"Action":"sts:AssumeRole"}}`
	t.words = strings.NewReplacer(
		"KEY_MATERIAL_DOES_NOT_EXPIRE", "KEY_MATERIAL_DOES_NOT_EXPIRE", "KEY", id, "OTHER", t.other, "ID", id,
		"IMPORT", importing, "TRIAL", fmt.Sprint(t.trials), "TRUST", quote(trust), "DOCUMENT", quote(mayEverything))
	for _, s := range t.ready {
		answer, err := t.root.must(ctx, s.operation, t.members(s))
		if err != nil {
			return err
		}
		t.note(answer)
	}
	return nil
}

// wrap returns the members of an import of 32 bytes.
func (t *trial) wrap(ctx context.Context, id string) (string, error) {
	var p answer
	err := error(nil)
	for range 20 { // while the server is generating key pairs
		p, err = t.root.must(ctx, "GetParametersForImport",
			`{"KeyId":"`+id+`","WrappingAlgorithm":"RSAES_OAEP_SHA_256","WrappingKeySpec":"RSA_2048"}`)
		if err == nil {
			break
		}
	}
	if err != nil {
		return "", err
	}
	der, err := base64.StdEncoding.DecodeString(p.text("PublicKey"))
	if err != nil {
		return "", err
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return "", err
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), make([]byte, 32), nil)
	return fmt.Sprintf(`"ImportToken":%q,"EncryptedKeyMaterial":%q`, p.text("ImportToken"),
		base64.StdEncoding.EncodeToString(wrapped)), err
}

// members returns the members of a step with its words replaced.
func (t *trial) members(s step) string {
	text := t.words.Replace(s.members)
	grant := t.grant.Load()
	if grant == nil {
		grant = new("0000000000000000000000000000000000000000000000000000000000000000")
	}
	last := t.lastN.Load()
	n := t.numbers.Add(1)
	if strings.Contains(text, `"uN"`) || strings.Contains(text, "alias/N") {
		t.lastN.Store(n)
	}
	return strings.NewReplacer("GRANT", *grant, "POLICY", quote(keyPolicy(fmt.Sprint(n), "")), "LAST", fmt.Sprint(last),
		"alias/N", fmt.Sprint("alias/", n),
		`"uN"`, fmt.Sprintf(`"u%d"`, n), `"N"`, fmt.Sprintf(`"%d"`, n), "REGION", fmt.Sprintf("eu-west-%d", 1+n%59), "UUID",
		fmt.Sprintf("00000000-0000-4000-8000-%012x", n)).Replace(text)
}

func (t *trial) note(a answer) {
	if id := a.text("GrantId"); id != "" {
		t.grant.Store(&id)
	}
}

// run runs the race and returns an operation that had an effect after the revocation, or "".
func (t *trial) run(ctx context.Context) (late string, err error) {
	looping, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var all sync.WaitGroup
	var ended atomic.Bool
	for i := range loopers {
		all.Go(func() {
			for n := i; !ended.Load() && looping.Err() == nil; n++ {
				t.attempt(looping, t.loop[n%len(t.loop)])
			}
		})
	}
	for begun := time.Now(); t.done.Load() == 0 && time.Since(begun) < 50*time.Millisecond; {
		time.Sleep(100 * time.Microsecond)
	}
	time.Sleep(time.Duration(mathrand.IntN(3000)) * time.Microsecond)
	begun := time.Now()
	_, err = t.root.must(ctx, t.revoke.operation, t.words.Replace(t.revoke.members))
	t.slowest = max(t.slowest, time.Since(begun))
	t.revoked.Store(true)
	before, shown := t.state(ctx)
	time.Sleep(2 * time.Millisecond)
	ended.Store(true)
	all.Wait()
	after, shownAfter := t.state(ctx)
	for _, failed := range []error{err, shown, shownAfter} {
		if failed != nil {
			return "", failed
		}
	}
	if name := t.afterwards.Load(); name != nil {
		return *name, nil
	}
	if !bytes.Equal(before, after) {
		return t.loop[0].operation, nil
	}
	return "", nil
}

// attempt sends a request of the loop. A request that is sent after the revocation must not succeed.
func (t *trial) attempt(ctx context.Context, s step) {
	tooLate := t.revoked.Load()
	ok, body, err := t.who.do(ctx, s.operation, t.members(s))
	if err != nil || !ok {
		return
	}
	t.note(body)
	if t.done.Add(1); tooLate {
		t.afterwards.Store(&s.operation)
	}
}

// state returns the effects that the root sees.
func (t *trial) state(ctx context.Context) (all []byte, err error) {
	for _, s := range t.shows {
		body, err := t.readAll(ctx, s)
		if err != nil {
			return nil, err
		}
		all = append(all, body...)
	}
	return all, nil
}

// readAll returns an answer with all its pages. An error such as NotFoundException is an answer too.
func (t *trial) readAll(ctx context.Context, s step) (all []byte, err error) {
	members := t.words.Replace(s.members)
	for {
		_, page, err := t.root.do(ctx, s.operation, members)
		if err != nil {
			return nil, err
		}
		marker := answer(page).text("NextMarker")
		if marker == "" {
			return append(all, page...), nil
		}
		all = append(all, bytes.ReplaceAll(page, []byte(marker), nil)...)
		members = strings.TrimSuffix(t.words.Replace(s.members), "}") + `,"Marker":"` + marker + `"}`
		members = strings.Replace(members, "{,", "{", 1)
	}
}
