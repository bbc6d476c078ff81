// Package slogkey names the attributes of log records, so that one thing has
// one name in every log. It holds constants and imports nothing.
package slogkey
