// Package handlebars renders the part of the Handlebars template language that
// a line per record needs: paths, block helpers (if, unless, each, with),
// comparison helpers, comments, literals, sub-expressions and whitespace
// control. Nothing is escaped, since the output is not HTML. Partials,
// decorators and the removal of lines that hold only a block tag are left out.
// It imports the standard library alone.
package handlebars
