// Package uerr is the error a person reads: what happened, what was observed
// about it, and what to run next, with the exit code of the process. Libraries
// return ordinary errors; commands turn those worth explaining into an *Error;
// only main renders one. The package imports the standard library alone.
package uerr
