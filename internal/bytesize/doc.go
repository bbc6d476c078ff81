// Package bytesize reads and writes amounts of bytes as the command line and
// topic files spell them: decimal units by powers of 1000, binary units by
// powers of 1024. It imports the standard library alone.
package bytesize
