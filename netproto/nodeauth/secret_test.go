package nodeauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	read := func(content string) (Secret, error) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return ReadSecret(path)
	}
	want := testSecret(t, goodText).mac(nil)
	for _, end := range []string{"", "\n", "\r\n"} {
		s, err := read(goodText + end)
		if err != nil || s.mac(nil) != want {
			t.Errorf("line end %q: %v", end, err)
		}
	}
	for name, content := range map[string]string{
		"empty": "", "short": strings.Repeat("x", MinSecret-1) + "\n", "long": strings.Repeat("x", MaxSecret+1),
		"long behind line ends": strings.Repeat("x", MaxSecret) + strings.Repeat("\n", 3) + "x",
	} {
		if _, err := read(content); err == nil || !strings.Contains(err.Error(), "allowed are 16 to 4096") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, n := range []int{MinSecret, MaxSecret} {
		if _, err := read(strings.Repeat("x", n) + "\r\n"); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := ReadSecret(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	const text = "hushhushhushhush"
	s := testSecret(t, text)
	c := WithSecret(s)
	type inside struct{ c *Credentials }
	var out bytes.Buffer
	for _, v := range []any{s, &s, c, &c, inside{&c}, []Secret{s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		j, _ := json.Marshal(v)
		out.Write(j)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
	}
	for _, form := range []string{text, fmt.Sprintf("%x", text), fmt.Sprint([]byte(text)), "aHVza"} {
		if strings.Contains(strings.ToLower(out.String()), strings.ToLower(form)) {
			t.Errorf("%s is in the output:\n%s", form, out.String())
		}
	}
}
