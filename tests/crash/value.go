package crash

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
)

// Key names one record of one producer.
type Key struct {
	Producer uint32
	Seq      uint64
}

// Sum is what a value ends with: the hash of all before it.
type Sum [16]byte

const (
	keySize   = 12
	minValue  = keySize + len(Sum{})
	maxFiller = 8 << 10
)

var (
	errShort = errors.New("value is too short to be ours")
	errSum   = errors.New("value does not match its hash")
)

// NewValue makes a record's value: its key, random bytes and their hash. Most
// values are short and a few have nearly maxFiller bytes.
func NewValue(k Key, rng *rand.Rand) []byte {
	filler := rng.IntN(maxFiller >> rng.IntN(9))
	v := make([]byte, keySize, minValue+maxFiller)
	binary.BigEndian.PutUint32(v, k.Producer)
	binary.BigEndian.PutUint64(v[4:], k.Seq)
	for range filler {
		v = append(v, byte(rng.Uint32()))
	}
	sum := hash(v)
	return append(v, sum[:]...)
}

func hash(b []byte) Sum {
	full := sha256.Sum256(b)
	return Sum(full[:len(Sum{})])
}

// ParseValue takes a value apart and checks its hash.
func ParseValue(v []byte) (Key, Sum, error) {
	if len(v) < minValue {
		return Key{}, Sum{}, errShort
	}
	body, end := v[:len(v)-len(Sum{})], v[len(v)-len(Sum{}):]
	k := Key{binary.BigEndian.Uint32(v), binary.BigEndian.Uint64(v[4:])}
	sum := hash(body)
	if !bytes.Equal(sum[:], end) {
		return k, sum, errSum
	}
	return k, sum, nil
}
