// Package sts defines the requests, responses and errors of the supported part of the STS API.
//
// The types follow the rules of package api, whose shapes validate them. The query protocol determines the
// encoding: requests are forms, and responses are XML. Source: "Making query requests" in the IAM user guide.
package sts

// Version is the version of the API. Every request has to name it.
const Version = "2011-06-15"

const namespace = "https://sts.amazonaws.com/doc/" + Version + "/"
