// Package engine has what Backends share that reach their engine over the network: Views of a newest revision that
// somebody asks for, the history that these Views still need, and the names of slots. It connects to nothing.
package engine
