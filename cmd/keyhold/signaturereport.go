package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
)

// A signatureReport is all that can be said of a refused signature. rows are there
// when the client's side is known.
type signatureReport struct {
	api.ExplainSignatureResponse
	rows []signedRow
	same bool // both sides signed the same text
}

// compare takes up the client's side. A request that is too malformed for the
// server to have a side has no rows.
func (e *signatureReport) compare(client signedText) {
	server, ok := findSigned(*e.CanonicalRequest+"\n"+*e.StringToSign, *e.Date)
	if !ok {
		return
	}
	// The hash that the server signed is of the headers as they came, not as shown.
	lines := strings.Split(*e.StringToSign, "\n")
	if t, ok := parseToSign(lines[1:]); ok {
		server.toSign = &t
	}
	e.rows = signedRows(client, server)
	e.same = client.canonical.hash == server.toSign.hash && (client.toSign == nil || *client.toSign == *server.toSign)
}

// text is the report for people.
func (e signatureReport) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Request %s, %s, at %s\n  %s: %s\n\n", *e.RequestId, cmp.Or(*e.Target, "for no operation"), e.RefusedAt, *e.ErrorCode, *e.ErrorMessage)
	e.printDeclared(&b)
	switch {
	case *e.CanonicalRequest == "":
		fmt.Fprintln(&b, "The request is too malformed to have a canonical request.")
	case e.rows != nil:
		fmt.Fprintln(&b, "What was signed")
		printRows(&b, e.rows)
	default:
		fmt.Fprintf(&b, "The server's canonical request\n%s\nThe server's string to sign\n%s", indented(*e.CanonicalRequest), indented(*e.StringToSign))
	}
	fmt.Fprintln(&b, "\nWhat this tells")
	for _, hint := range e.hints() {
		fmt.Fprintf(&b, "  - %s\n", hint)
	}
	return b.String()
}

// data is the report for programs.
func (e signatureReport) data() any {
	type row struct {
		Name   string
		Client *string
		Server *string
	}
	var rows []row
	for _, r := range e.rows {
		rows = append(rows, row{r.name, r.client, r.server})
	}
	return struct {
		api.ExplainSignatureResponse
		Signed []row `json:",omitempty"`
		Hints  []string
	}{e.ExplainSignatureResponse, rows, e.hints()}
}

// printDeclared prints what the request said of its signature.
func (e signatureReport) printDeclared(w io.Writer) {
	fmt.Fprintln(w, "What the request says")
	for _, line := range [][2]string{
		{"access key ID", *e.AccessKeyId},
		{"scope", *e.CredentialScope},
		{"date", *e.Date},
		{"signed headers", strings.Join(e.SignedHeaders, ";")},
		{"payload hash", *e.DeclaredPayloadHash},
		{"body as it came", *e.PayloadHash},
	} {
		fmt.Fprintf(w, "  %-15s  %s\n", line[0], cmp.Or(line[1], "(not said)"))
	}
	fmt.Fprintln(w)
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text + "\n") {
		b.WriteString(strings.TrimRight("  "+line, " \n") + "\n")
	}
	return b.String()
}
