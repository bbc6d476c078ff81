package meta_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/engine/sc/meta/metatest"
)

var rewrite = flag.Bool("rewrite", false, "write the stored form of this release to testdata; only for a new layout")

func samples() []meta.Value {
	return []meta.Value{metatest.Topic(7), metatest.Partition(7), metatest.Spu(5001), new(meta.Topic), new(meta.Partition), new(meta.Spu)}
}

func TestRoundTrip(t *testing.T) {
	for _, v := range samples() {
		b, err := meta.Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := meta.Decode(v.Kind(), b)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%s: %+v, %v; want %+v", v.Kind(), got, err, v)
		}
	}
}

// What earlier releases stored must stay readable: one file per layout and
// kind, written when the layout was new.
func TestOldLayouts(t *testing.T) {
	for _, v := range samples()[:3] {
		name := filepath.Join("testdata", "layout1", string(v.Kind())+".hex")
		if *rewrite {
			b, err := meta.Encode(v)
			if err == nil {
				err = os.WriteFile(name, []byte(hex.EncodeToString(b)+"\n"), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := meta.Decode(v.Kind(), b)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, v)
		}
	}
}

func reseal(b []byte) []byte {
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func TestDamagedAndNewer(t *testing.T) {
	good, err := meta.Encode(metatest.Partition(1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x10
		if _, err := meta.Decode(meta.KindPartition, bad); !errors.Is(err, meta.ErrDamaged) {
			t.Errorf("bit flipped in byte %d: %v", i, err)
		}
		if _, err := meta.Decode(meta.KindPartition, good[:i]); !errors.Is(err, meta.ErrDamaged) {
			t.Errorf("cut at byte %d: %v", i, err)
		}
	}
	if _, err := meta.Decode(meta.KindPartition, reseal(append(good[:len(good):len(good)], 0))); !errors.Is(err, meta.ErrDamaged) {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := meta.Decode("galaxy", good); err == nil {
		t.Error("unknown kind was decoded")
	}

	var version *meta.VersionError
	newer := append([]byte(nil), good...)
	newer[5]++
	if _, err := meta.Decode(meta.KindPartition, reseal(newer)); !errors.As(err, &version) {
		t.Errorf("newer layout: %v", err)
	}
	spu, _ := meta.Encode(metatest.Spu(1))
	spu[7]++ // the version of the objects inside
	if _, err := meta.Decode(meta.KindSpu, reseal(spu)); !errors.As(err, &version) {
		t.Errorf("newer objects: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for i, v := range samples() {
		b, err := meta.Encode(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), b)
	}
	kinds := meta.Kinds()
	f.Fuzz(func(t *testing.T, k byte, b []byte) {
		if len(b) >= 6 {
			reseal(b)
		}
		v, err := meta.Decode(kinds[int(k)%len(kinds)], b)
		if err != nil {
			return
		}
		again, err := meta.Encode(v)
		if err != nil {
			t.Fatalf("decoded %+v cannot be stored: %v", v, err)
		}
		got, err := meta.Decode(v.Kind(), again)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Fatalf("%+v became %+v, %v", v, got, err)
		}
	})
}
