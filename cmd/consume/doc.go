// Package consume is the command "fluvio consume": it reads records with a
// consumer of the client and prints them. Output is gathered into large writes
// while records come fast and handed on within milliseconds when they do not.
// It imports client, netproto/api and internal/recfmt, which knows the formats.
package consume
