package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// user are the credentials of the user that identities declares.
var user = aws.Credentials{AccessKeyID: "bench", SecretAccessKey: "bench-secret"}

// decisions compares the cost of decisions: for a user with ten managed policies and for the root of the
// account, and on a key with many grants and on a key without grants.
func (s settings) decisions() error {
	dir, err := os.MkdirTemp("", "keyhold-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	seed := filepath.Join(dir, "seed.toml")
	if err := os.WriteFile(seed, []byte(identities()), 0o600); err != nil {
		return err
	}
	k, err := s.startKeyhold(onFirstProcessor, "--seed", seed)
	if err != nil {
		return err
	}
	defer k.stop()
	byRoot, err := prepare(k, "Decrypt", 1)
	if err != nil {
		return err
	}
	onGranted, err := prepare(k, "Decrypt", 1)
	if err != nil {
		return err
	}
	if err := grantMany(k.addr, onGranted.bodies[0]["KeyId"], s.grants); err != nil {
		return err
	}
	byUser := &load{operation: "Decrypt", bodies: byRoot.bodies, by: user}
	fmt.Println("Decisions: Decrypt")
	if err := s.compareLoads(k, "by the root", byRoot, "by a user with 10 managed policies", byUser); err != nil {
		return err
	}
	return s.compareLoads(k, "on a key without grants", byRoot, fmt.Sprintf("on a key with %d grants", s.grants),
		onGranted)
}

// compareLoads compares two loads on one server.
func (s settings) compareLoads(k *server, first string, a *load, second string, b *load) error {
	one, other, err := s.alternate(a, k, b, k)
	if err == nil {
		fmt.Printf("  %-36s %v\n  %-36s %v   %.2f times\n", first, one, second, other, ratio(other.cpu, one.cpu))
	}
	return err
}

// identities declares a user with ten managed policies of ten statements each. The last of them allows Decrypt.
func identities() string {
	var b strings.Builder
	var names []string
	for i := range 10 {
		names = append(names, fmt.Sprintf("%q", fmt.Sprintf("policy-%d", i)))
		fmt.Fprintf(&b, "[[policy]]\nname = %s\ndocument = '''{\"Version\": \"2012-10-17\", \"Statement\": [", names[i])
		for n := range 9 {
			fmt.Fprintf(&b, `{"Effect": "Allow", "Action": ["kms:Describe*", "kms:List*", "kms:Get*"], `+
				`"Resource": "arn:aws:kms:*:*:key/%d%d*", `+
				`"Condition": {"StringEquals": {"aws:ResourceTag/team": "team-%d"}}},`, i, n, n)
		}
		action := "kms:Encrypt"
		if i == 9 {
			action = "kms:Decrypt"
		}
		fmt.Fprintf(&b, `{"Effect": "Allow", "Action": %q, "Resource": "*"}]}'''`+"\n\n", action)
	}
	fmt.Fprintf(&b, "[[user]]\nname = \"bench\"\nmanaged_policies = [%s]\n[[user.access_key]]\nid = %q\nsecret = %q\n",
		strings.Join(names, ", "), user.AccessKeyID, user.SecretAccessKey)
	return b.String()
}

// grantMany creates grants on a key for other principals than the one that is measured. It creates them one
// after the other, because all of them change the count of grants on the key.
func grantMany(addr string, id any, grants int) error {
	for n := range grants {
		_, err := call(addr, "CreateGrant", map[string]any{
			"KeyId": id, "GranteePrincipal": fmt.Sprintf("arn:aws:iam::111122223333:role/r%d", n),
			"Operations": []string{"Decrypt"},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
