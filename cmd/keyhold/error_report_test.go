package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/keyhold/keyhold/byok/awsimport"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/nodes"
	"github.com/keyhold/keyhold/internal/store"
)

// TestRemedies finds each row of the table by its code and its part, and checks the cause, the
// remedy and the exit code.
func TestRemedies(t *testing.T) {
	for line := range strings.Lines(remedies) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		e, ok := parseRemedy(line)
		if !ok || e.code == "" || e.why == "" || e.do == "" {
			t.Errorf("no row: %q", line)
			continue
		}
		t.Run(e.code+" "+e.part, func(t *testing.T) {
			if e.exit != exitFailed && e.exit != exitUsage && e.exit != exitDenied && e.exit != exitNotFound {
				t.Errorf("no exit code: %d", e.exit)
			}
			err := fmt.Errorf("import it: %w", &smithy.OperationError{ServiceID: "KMS", OperationName: "Try", Err: &smithy.GenericAPIError{Code: e.code, Message: "so " + e.part + " so"}})
			var out strings.Builder
			exit := report(&out, err)
			want := fmt.Sprintf("keyhold: import it: Try: %s: so %s so\n  why      %s\n  do       %s\n", e.code, e.part, e.why, e.do)
			if out.String() != want || exit != e.exit {
				t.Errorf("exit %d, not %d:\n%snot\n%s", exit, e.exit, out.String(), want)
			}
		})
	}
}

// TestTextsOfRemedies compares the table with testdata/remedies.txt, and checks the order of each block.
func TestTextsOfRemedies(t *testing.T) {
	var got []string
	for block := range strings.SplitSeq(strings.TrimSpace(remedies), "\n\n") {
		last := ""
		for line := range strings.Lines(block) {
			e, ok := parseRemedy(line)
			if !ok || e.code < last {
				t.Errorf("not a row, or not in alphabetical order: %s", line)
			}
			last = e.code
			got = append(got, fmt.Sprintf("%s %q: exit code %d\n  why      %s\n  do       %s", e.code, e.part, e.exit, e.why, e.do))
		}
	}
	text, err := os.ReadFile("testdata/remedies.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(text)), "\n\n")
	for _, row := range got {
		if !slices.Contains(want, row) {
			t.Errorf("testdata/remedies.txt does not have this row of the table:\n%s", row)
		}
	}
	for _, row := range want {
		if !slices.Contains(got, row) {
			t.Errorf("the table does not have this row of testdata/remedies.txt:\n%s", row)
		}
	}
	if !t.Failed() && !slices.Equal(got, want) {
		t.Error("testdata/remedies.txt has another order than the table, or a row twice")
	}
}

// TestRemediesOfMessages checks the row for messages of this server and of AWS.
func TestRemediesOfMessages(t *testing.T) {
	for _, test := range []struct{ code, message, why string }{
		{"InvalidSignatureException", "Signature expired: 20261125T090000Z is now earlier than 20261125T090501Z (20261125T091001Z - 5 min.)", "clock is more than five minutes ahead"},
		{"InvalidSignatureException", "Signature not yet current: 20261125T091000Z is still later than 20261125T090500Z (20261125T090000Z + 5 min.)", "clock is more than five minutes behind"},
		{"InvalidSignatureException", "Credential should be scoped to a valid region.", "does not serve this Region"},
		{"InvalidSignatureException", "The request signature we calculated does not match the signature you provided.", "the secret access key is not the one"},
		{"NotFoundException", "Alias arn:aws:kms:us-east-1:000000000000:alias/a is not found.", "no key has this alias"},
		{"NotFoundException", "Invalid arn eu-west-1", "the ARN names another Region"},
		{"Unreachable", "http: server gave HTTP response to HTTPS client", "plain HTTP"},
		{"NotFoundException", "Key 'arn:aws:kms:us-east-1:000000000000:key/1' does not exist", "no such key exists"},
		{"UnsupportedOperationException", "arn:aws:kms:us-east-1:000000000000:key/1 origin is AWS_KMS which is not valid for this operation.", "generates the material"},
		{"UnsupportedOperationException", "Wrapping algorithm SM2PKE with wrapping key spec SM2 is not supported.", "cannot be wrapped with this algorithm"},
		{"ValidationException", "Invalid encrypted key size.", "of another size"},
		{"ValidationException", "Wrapping algorithm RSAES_OAEP_SHA_1 and wrapping key spec RSA_2048 cannot be used to import a RSA_2048 key.", "cannot be wrapped with this algorithm"},
		{"UnsupportedOperationException", "Grants are not supported.", "this server does not support"},
		{"ValidationException", "The validTo date must be in the future", "that time has passed"},
		{"IncompleteSignatureException", "The request must be for the path '/' without a query string.", "but the endpoint has another path"},
		{"ValidationException", "The validTo date must be no more than 365 days in the future", "at most 365 days"},
		{"KMSInvalidStateException", "arn:aws:kms:us-east-1:000000000000:key/1 is pending deletion.", "is scheduled for deletion"},
		{"KMSInvalidStateException", "arn:aws:kms:us-east-1:000000000000:key/1 is pending import.", "the state of the key"},
	} {
		if e, ok := explain(test.code, test.message); !ok || !strings.Contains(e.why, test.why) {
			t.Errorf("%s: %q", test.message, e.why)
		}
	}
	for _, code := range []string{"", "Exception", "ValidationExceptio", "expired"} {
		if e, ok := explain(code, "anything"); ok {
			t.Errorf("%q: %+v", code, e)
		}
	}
}

// Each refusal of package awsimport has a row.
func TestRefusalsAreExplained(t *testing.T) {
	for _, code := range []awsimport.Code{awsimport.NotExternal, awsimport.PendingDeletion, awsimport.UnsupportedSpec, awsimport.BadAlias, awsimport.NotProved} {
		var out strings.Builder
		report(&out, &awsimport.Refusal{Code: code, Message: "because"})
		if !strings.HasPrefix(out.String(), "keyhold: because\n  why      ") {
			t.Errorf("%s:\n%s", code, out.String())
		}
	}
}

func TestReportOfOthers(t *testing.T) {
	for _, test := range []struct {
		err  error
		exit int
		want string
	}{
		{errors.New("it broke"), exitFailed, "keyhold: it broke\n"},
		{usageError{errors.New("say it so")}, exitUsage, "keyhold: say it so\n"},
		{fmt.Errorf("import: %w", usageError{errors.New("say it so")}), exitUsage, "keyhold: import: say it so\n"},
		{exitCode(exitExpiring), exitExpiring, ""},
		{fmt.Errorf("start: %w", nodes.ErrRunning), exitNoNode, "keyhold: start: " + nodes.ErrRunning.Error() + "\n"},
		{nodes.ErrRewound, exitNoNode, "keyhold: " + nodes.ErrRewound.Error() + "\n"},
		{errors.Join(nodes.ErrStranger, errors.New("it broke")), exitNoNode, "keyhold: " + nodes.ErrStranger.Error() + "\nkeyhold: it broke\n"},
		{fmt.Errorf("open: %w", journal.ErrOlderStore), exitNoNode, "keyhold: open: " + journal.ErrOlderStore.Error() + "\n"},
		{store.ErrRewound, exitNoNode, "keyhold: " + store.ErrRewound.Error() + "\n"},
		{nodes.ErrNewerLevel, exitNoNode, "keyhold: " + nodes.ErrNewerLevel.Error() + "\n"},
		{journal.ErrFenced, exitFailed, "keyhold: " + journal.ErrFenced.Error() + "\n"},
		{nodes.ErrTwin, exitFailed, "keyhold: " + nodes.ErrTwin.Error() + "\n"},
	} {
		var out strings.Builder
		if exit := report(&out, test.err); exit != test.exit || out.String() != test.want {
			t.Errorf("%v: exit %d: %s", test.err, exit, out.String())
		}
	}
}

// The endpoint may not be a KMS at all, may have a certificate that is not trusted, or may have a
// clock of its own. The errors come from the SDK.
func TestReportOfServers(t *testing.T) {
	clearAWS(t)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	answer := func(status int, header, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amzn-Errortype", header)
			w.Header().Set("X-Amzn-Requestid", "the-request")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		})
	}
	expired := `{"__type":"InvalidSignatureException","message":"Signature expired: 1 is now earlier than 2"}`
	for name, test := range map[string]struct {
		server *httptest.Server
		exit   int
		want   []string
	}{
		"a web site":         {httptest.NewServer(answer(200, "", "<html>")), exitFailed, []string{"list keys: ListKeys: UnknownError", "does not speak the KMS API", "check --endpoint-url"}},
		"a web site's error": {httptest.NewServer(answer(404, "", "<html>")), exitFailed, []string{"ListKeys: UnknownError", "does not speak the KMS API"}},
		"a certificate":      {httptest.NewTLSServer(answer(200, "", "{}")), exitFailed, []string{"ListKeys: Unreachable: tls: failed to verify certificate", "does not trust the server's certificate", "AWS_CA_BUNDLE"}},
		"another clock":      {httptest.NewServer(answer(400, "InvalidSignatureException", expired)), exitDenied, []string{"Signature expired: 1", "clock is more than five minutes ahead", "set both clocks", "  request  the-request\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			defer test.server.Close()
			var out strings.Builder
			c := command()
			c.SetArgs([]string{"expiring", "--endpoint-url", test.server.URL})
			c.SetOut(&out)
			c.SetErr(&out)
			exit := report(&out, c.ExecuteContext(t.Context()))
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) || exit != test.exit {
					t.Errorf("exit %d, without %q:\n%s", exit, want, out.String())
				}
			}
		})
	}
}

// AWS_CA_BUNDLE names the file of a trusted authority.
func TestCertificateOfOwnAuthority(t *testing.T) {
	clearAWS(t)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }))
	defer s.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	c := command()
	c.SetArgs([]string{"expiring", "--endpoint-url", s.URL})
	c.SetErr(t.Output())
	if err := c.ExecuteContext(t.Context()); err != nil {
		t.Error(err)
	}
}

// clearAWS leaves only the AWS configuration that a dev server needs.
func clearAWS(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "AWS_DEFAULT_REGION"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", devAccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", devSecret)
}
