// Package output writes the structured forms that list and describe commands
// offer beside their table: JSON, YAML and TOML. One Go struct per noun, with
// json tags, feeds all three. The text is a promise, byte for byte: field
// order as declared, maps sorted, two blanks of indent, YAML with tags where
// the original has enum variants. It imports the TOML library, internal/table
// and the standard library.
package output
