// Package recfmt turns records into the lines that consume prints: text, hex
// dumps, JSON, tables and templates. It reads and writes byte slices, asks
// nothing of the terminal and opens nothing. It imports internal/handlebars,
// internal/output, go-runewidth and the standard library.
package recfmt
