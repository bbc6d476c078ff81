// Package cmdtest runs one command in a test the way main does: through argv,
// with streams made of buffers. Only tests import it.
package cmdtest
