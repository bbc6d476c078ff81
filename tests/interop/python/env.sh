# shellcheck shell=bash
# Sourced after cluster.sh or nodes.sh: sets $PYTHON to one that has the
# official client, or exits with 77 when Python or the package cannot be had
# here. The environment is kept in .cache.

left_out() {
	say "left out: $*"
	exit 77
}

python_env() {
	local package=fluvio==0.21.0 venv=$ROOT/.cache/interop-python out
	PYTHON=$venv/bin/python
	"$PYTHON" -c 'import fluvio' 2>/dev/null && return
	command -v python3 >/dev/null || left_out 'there is no python3'
	rm -rf "$venv"
	out=$(python3 -m venv "$venv" 2>&1) || left_out "python3 cannot make a virtual environment (on Debian: apt install python3-venv)
$out"
	out=$("$venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 20 "$package" 2>&1) ||
		left_out "pip cannot install $package
$(tail -n 3 <<<"$out")"
}
