// Package sts defines the requests, responses and errors of the STS API, and
// nothing that sends them: the part of it that is served.
//
// The types are as those of package api, whose shapes validate them; what differs
// is the query protocol: a request is a form, an answer XML. Source: "Making
// query requests" in the IAM user guide.
package sts

// Version is the version of the API, which each request names.
const Version = "2011-06-15"

const namespace = "https://sts.amazonaws.com/doc/" + Version + "/"
