package durable

import "errors"

// ErrInUse means that another process has locked a file.
var ErrInUse = errors.New("another process uses the file")
