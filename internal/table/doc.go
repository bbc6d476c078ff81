// Package table lays out the borderless tables and key/value blocks of the
// command line. Their spacing is a promise: programs cut it by column. Widths
// are display widths, so CJK text and emoji line up. It imports go-runewidth
// and the standard library.
package table
