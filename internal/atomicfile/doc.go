// Package atomicfile replaces small files all or nothing: a reader or a crash
// sees the old content or the new one, never a part. It imports the standard
// library only.
package atomicfile
