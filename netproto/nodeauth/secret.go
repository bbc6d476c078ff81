package nodeauth

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
)

// Lengths of a secret in bytes. 16 are 128 bits, if they are random.
const (
	MinSecret = 16
	MaxSecret = 4096

	maxLineEnd = 2 // \r\n
)

// Secret is what all nodes of a cluster know and nobody else. It does not
// print: no format verb, logger or encoder shows its content.
type Secret struct {
	// mac computes HMAC-SHA-256. The key is in a closure because formatting
	// walks into unexported fields without asking String.
	mac func(msg []byte) proof
}

// NewSecret makes a secret of MinSecret to MaxSecret bytes, which it copies.
func NewSecret(b []byte) (Secret, error) {
	if len(b) < MinSecret || len(b) > MaxSecret {
		return Secret{}, fmt.Errorf("node secret has %d bytes, allowed are %d to %d", len(b), MinSecret, MaxSecret)
	}
	// HMAC itself takes some keys of different lengths for the same.
	key := sha256.Sum256(append([]byte(magic), b...))
	return Secret{mac: func(msg []byte) (p proof) {
		h := hmac.New(sha256.New, key[:])
		h.Write(msg)
		h.Sum(p[:0])
		return p
	}}, nil
}

// ReadSecret reads a secret from a file. A line end at its end does not belong
// to it, so that an editor or echo cannot make two nodes differ.
func ReadSecret(path string) (Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return Secret{}, fmt.Errorf("node secret: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxSecret+maxLineEnd+1))
	if err != nil {
		return Secret{}, fmt.Errorf("node secret: %w", err)
	}
	s, err := NewSecret(bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r")))
	if err != nil {
		return Secret{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// String does not show the secret.
func (Secret) String() string { return "(node secret)" }

// LogValue does not show the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
