// Package engine has what Backends share that reach their engine over the network: Views of a newest revision that
// somebody asks for, and the history that these Views still need. It connects to nothing.
package engine
