// Package codec is the primitive encoding of the Fluvio protocol: fixed-width
// big-endian integers, strings with a 16-bit length, vectors with a 32-bit
// count, options, maps and zig-zag varints.
//
// A message is described once, by a method Code(*Coder) that names its fields
// in wire order. The same method encodes and decodes, so the two directions
// cannot drift apart, and version gates are plain if statements on
// Coder.Version.
//
// The package knows no message, no batch and no socket; it imports only the
// standard library. Formats: docs/format/wire.md.
package codec
