// Package view holds the shapes in which objects of a cluster are printed as
// JSON, YAML and TOML: keys, their order and the names of alternatives. They
// are a promise to scripts. It turns netproto/api objects into values for
// internal/output and does nothing else.
package view
