package run

import (
	"context"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/cmd/cmdtest"
	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/fluvio-go/fluvio/internal/uerr"
)

func spuOptionsOf(t *testing.T, line string) (spuOptions, error) {
	t.Helper()
	var got spuOptions
	cmd := newSPUCmd(cmdtest.Factory(&iostreams.Test{}), func(_ context.Context, o *spuOptions) error {
		got = *o
		return nil
	})
	err := cmdtest.Run(t.Context(), cmd, append([]string{"spu"}, strings.Fields(line)...)...)
	return got, err
}

func TestSPUOptions(t *testing.T) {
	for _, name := range []string{spuIDEnv, indexEnv, minIDEnv, scAddrEnv, logDirEnv} {
		t.Setenv(name, "")
	}
	o, err := spuOptionsOf(t, "-i 5 --log-base-dir d")
	if err != nil || o.id != 5 || o.dir != "d" || o.public != "127.0.0.1:9005" || o.private != "127.0.0.1:9006" || o.scAddr != "127.0.0.1:9004" {
		t.Errorf("defaults: %+v, %v", o, err)
	}
	t.Setenv(spuIDEnv, "8")
	t.Setenv(scAddrEnv, "sc:1")
	t.Setenv(logDirEnv, "e")
	o, err = spuOptionsOf(t, "-p :1 -v :2")
	if err != nil || o.id != 8 || o.dir != "e" || o.public != ":1" || o.private != ":2" || o.scAddr != "sc:1" {
		t.Errorf("environment: %+v, %v", o, err)
	}
	o, err = spuOptionsOf(t, "--id 0 --sc-addr other:2 --log-base-dir d")
	if err != nil || o.id != 0 || o.dir != "d" || o.scAddr != "other:2" {
		t.Errorf("flags over environment: %+v, %v", o, err)
	}
	t.Setenv(scAddrEnv, "sc")
	_, err = spuOptionsOf(t, "--id 1")
	if cmdtest.ExitCode(err) != uerr.Usage || !strings.Contains(err.Error(), "invalid value 'sc' for FLV_SC_PRIVATE_HOST") {
		t.Errorf("address in the environment: %v", err)
	}
}

func TestIDFrom(t *testing.T) {
	for _, tt := range []struct {
		id, index, least string
		want             int32
		err              string
	}{
		{"7", "spg-main-2", "100", 7, ""},
		{"", "spg-main-2", "100", 102, ""},
		{"", "spg-main-2", "", 2, ""},
		{"", "3", "", 3, ""},
		{"", "", "100", 0, "no id"},
		{"x", "", "", 0, "FLV_SPU_ID"},
		{"-1", "", "", 0, "FLV_SPU_ID"},
		{"2147483648", "", "", 0, "FLV_SPU_ID"},
		{"", "spg-main-", "", 0, "SPU_INDEX"},
		{"", "spg-1", "x", 0, "SPU_MIN"},
		{"", "spg-2147483647", "1", 0, "is 2147483648, which is no id"},
	} {
		env := map[string]string{spuIDEnv: tt.id, indexEnv: tt.index, minIDEnv: tt.least}
		got, err := idFrom(func(k string) string { return env[k] })
		if tt.err == "" && (err != nil || got != tt.want) {
			t.Errorf("%+v: %d, %v", tt, got, err)
		}
		if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%+v: %d, %v", tt, got, err)
		}
	}
}

func TestSCOptions(t *testing.T) {
	var got scOptions
	cmd := newSCCmd(cmdtest.Factory(&iostreams.Test{}), func(_ context.Context, o *scOptions) error {
		got = *o
		return nil
	})
	line := "sc --local md --bind-public :1 --bind-private :2 --tls --server-cert c --server-key k" +
		" --enable-client-cert --ca-cert a --bind-non-tls-public :3 --node-secret-file s --address-file f"
	err := cmdtest.Run(t.Context(), cmd, strings.Fields(line)...)
	want := processFlags{public: ":1", private: ":2", tls: true, cert: "c", key: "k", clientCert: true, ca: "a",
		plain: ":3", secretFile: "s", addressFile: "f"}
	if err != nil || got.dir != "md" || got.processFlags != want {
		t.Errorf("%+v, %v", got, err)
	}
}
