// Package cmdutil is what every command shares: the factory that carries the
// streams and resolves the target cluster, the flag types of the command line
// and the translation of library errors into errors for people. It holds no
// command. It imports client, netproto, profiles and internal packages.
package cmdutil
