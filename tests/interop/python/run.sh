#!/usr/bin/env bash
# Runs the official Python client against a cluster of its own. Exits with 77
# when Python or the package cannot be had here. The environment is kept in
# .cache.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../harness/cluster.sh"

PACKAGE=fluvio==0.21.0
venv=$ROOT/.cache/interop-python

left_out() {
	say "left out: $*"
	exit 77
}

if ! "$venv/bin/python" -c 'import fluvio' 2>/dev/null; then
	command -v python3 >/dev/null || left_out 'there is no python3'
	rm -rf "$venv"
	out=$(python3 -m venv "$venv" 2>&1) || left_out "python3 cannot make a virtual environment (on Debian: apt install python3-venv)
$out"
	out=$("$venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 20 "$PACKAGE" 2>&1) ||
		left_out "pip cannot install $PACKAGE
$(tail -n 3 <<<"$out")"
fi

cluster_home
cluster_start --spu 1
timeout 600 "$venv/bin/python" "$ROOT/tests/interop/python/test_client.py"
