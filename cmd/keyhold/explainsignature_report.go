package main

import (
	"cmp"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
)

// A signatureReport has everything that is known of a refused signature. rows is nil without the
// client's side.
type signatureReport struct {
	api.ExplainSignatureResponse
	rows []signedRow
	same bool // both sides signed the same text
}

// compare adds the client's side. There are no rows if the request is too malformed to have a
// canonical request.
func (e *signatureReport) compare(client signedText) {
	server, ok := findSigned(*e.CanonicalRequest+"\n"+*e.StringToSign, *e.Date)
	if !ok {
		return
	}
	// The server signed the hash of the received headers, and shows some of them redacted.
	lines := strings.Split(*e.StringToSign, "\n")
	if t, ok := parseToSign(lines[1:]); ok {
		server.toSign = &t
	}
	e.rows = signedRows(client, server)
	e.same = client.canonical.hash == server.toSign.hash && (client.toSign == nil || *client.toSign == *server.toSign)
}

// text returns the report for people.
func (e signatureReport) text() *page {
	b := new(page)
	b.printf("Request %s, %s, at %s\n", *e.RequestId, cmp.Or(*e.Target, "for no operation"), e.RefusedAt)
	b.printf("  %s: %s\n\n", *e.ErrorCode, *e.ErrorMessage)
	e.printDeclared(b)
	switch {
	case *e.CanonicalRequest == "":
		b.printf("The request is too malformed to have a canonical request.\n")
	case e.rows != nil:
		b.printf("What client and server signed\n")
		printRows(b, e.rows)
	default:
		b.printf("The server's canonical request\n")
		printIndented(b, *e.CanonicalRequest)
		b.printf("\nThe server's string to sign\n")
		printIndented(b, *e.StringToSign)
	}
	b.printf("\nConclusion\n")
	for _, hint := range e.hints() {
		b.printf("  - %s\n", hint)
	}
	return b
}

// data returns the report for programs.
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

// printDeclared prints what the request declares about its signature.
func (e signatureReport) printDeclared(w *page) {
	w.printf("The request declares\n")
	for _, line := range [][2]string{
		{"access key ID", *e.AccessKeyId},
		{"scope", *e.CredentialScope},
		{"date", *e.Date},
		{"signed headers", strings.Join(e.SignedHeaders, ";")},
		{"payload hash", *e.DeclaredPayloadHash},
		{"body as it came", *e.PayloadHash},
	} {
		w.printf("  %-15s  %s\n", line[0], cmp.Or(line[1], "(absent)"))
	}
	w.printf("\n")
}

// printIndented prints the lines of a text with an indent.
func printIndented(w *page, text string) {
	for line := range strings.Lines(text + "\n") {
		w.printf("%s\n", strings.TrimRight("  "+line, " \n"))
	}
}
