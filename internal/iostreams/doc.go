// Package iostreams is the process's three streams together with what is known
// about them: whether each is a terminal, how wide it is, whether colour and
// hints are wanted. main makes one from the process; tests make one from
// buffers. Nothing else in the product asks the environment or the terminal
// about these. It imports golang.org/x/term and the standard library.
package iostreams
