package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/sigv4"
)

// A signedRow is one printable part of the text that client and server signed.
type signedRow struct {
	name           string
	client, server *string // nil if this side does not have it
}

// differs reports whether client and server have different values.
func (r signedRow) differs() bool {
	if r.client == nil || r.server == nil {
		return r.client != r.server
	}
	return *r.client != *r.server
}

// signedRows pairs the parts that client and server signed: first the parts of the canonical request
// in their order, then the rest of the string to sign.
func signedRows(client, server signedText) []signedRow {
	a, b := client.canonical, server.canonical
	rows := []signedRow{{"method", &a.method, &b.method}, {"path", &a.path, &b.path}, {"query", &a.query, &b.query}}
	rows = append(rows, headerRows(a, b)...)
	rows = append(rows,
		signedRow{"(signed headers)", &a.signed, &b.signed}, signedRow{"(payload hash)", &a.payload, &b.payload})
	if client.toSign == nil || server.toSign == nil {
		return append(rows, signedRow{"(hash of these)", &a.hash, &server.toSign.hash})
	}
	x, y := client.toSign, server.toSign
	return append(rows, signedRow{"(hash of these)", &x.hash, &y.hash},
		signedRow{"date", &x.date, &y.date}, signedRow{"scope", &x.scope, &y.scope})
}

// headerRows pairs the headers of both sides by their names.
func headerRows(a, b canonical) (rows []signedRow) {
	var names []string
	for _, h := range slices.Concat(a.headers, b.headers) {
		names = append(names, h.name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		rows = append(rows, signedRow{name, a.redact(name), b.redact(name)})
	}
	return rows
}

// redact returns a pointer to the value of a header without secrets, or nil if the header is
// missing.
func (c canonical) redact(name string) *string {
	i := slices.IndexFunc(c.headers, func(h header) bool { return h.name == name })
	if i < 0 {
		return nil
	}
	return new(sigv4.RedactHeader(name, c.headers[i].value))
}

// cellWidth is the width of a column of values, in characters.
const cellWidth = 44

// printRows prints the rows in two columns. ">>" marks the first row that differs, ">" the others.
func printRows(w *page, rows []signedRow) {
	names := 0
	for _, r := range rows {
		names = max(names, len(escapeText(r.name)))
	}
	w.printf("   %-*s  %-*s  %s\n", names, "", cellWidth, "CLIENT", "SERVER")
	mark := ">>"
	for _, r := range rows {
		marked := ""
		if r.differs() {
			marked, mark = mark, "> "
		}
		client, server := cells(r.client), cells(r.server)
		for i := range max(len(client), len(server)) {
			line := fmt.Sprintf("%-2s %-*s  %-*s  %s",
				marked, names, escapeText(r.name), cellWidth, at(client, i), at(server, i))
			w.printf("%s\n", strings.TrimRight(line, " "))
			marked, r.name = "", ""
		}
	}
}

// cells breaks a value into the lines of a column.
func cells(value *string) (lines []string) {
	if value == nil {
		return []string{"(absent)"}
	}
	runes := []rune(escapeText(*value))
	for len(runes) > cellWidth {
		lines, runes = append(lines, string(runes[:cellWidth])), runes[cellWidth:]
	}
	return append(lines, string(runes))
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
