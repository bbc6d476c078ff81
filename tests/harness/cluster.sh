# shellcheck shell=bash
# Sourced by the suites that are shell scripts: one binary, one HOME of its own,
# one cluster on free ports, which is gone when the script ends however it ends.
#
#	source tests/harness/cluster.sh
#	cluster_home             # builds, makes $HOME, sets $FLUVIO and $SCRATCH
#	cluster_start --spu 2
#	cluster_kill             # kill -9
#	cluster_resume
#
# FLUVIO_BIN names a binary to use instead of building one. KEEP=1 keeps the
# scratch folder. Scripts exit with 77 when they cannot run here.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
unset FLV_PROFILE_PATH FLUVIO_DIR FLUVIO_RELEASE_CHANNEL FLUVIO_CLIENT_ID CI
export FLUVIO_HINTS=

say() { printf '%s\n' "$*"; }
die() {
	printf 'FAIL: %s\n' "$*" >&2
	exit 1
}

cluster_home() {
	if [ -n "${FLUVIO_BIN:-}" ]; then
		FLUVIO=$(cd "$(dirname "$FLUVIO_BIN")" && pwd)/$(basename "$FLUVIO_BIN")
	else
		FLUVIO=$ROOT/bin/fluvio
		(cd "$ROOT" && go build -trimpath -o "$FLUVIO" ./cmd/fluvio) || die 'go build'
	fi
	export FLUVIO
	SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/fluvio-test.XXXXXX") || die 'mktemp'
	trap cluster_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	export HOME=$SCRATCH/home
	mkdir "$HOME"
}

# cluster_start FLAG…: tries ports until one is free. They lie below the range
# from which systems give ports to clients.
cluster_start() {
	local try port out
	for try in 1 2 3 4 5 6 7 8; do
		port=$((20000 + RANDOM % 10000))
		if out=$("$FLUVIO" cluster start --sc-pub-addr "127.0.0.1:$port" --spu-base-port 0 "$@" 2>&1); then
			return 0
		fi
		case $out in
		*'in use'*) say "port $port is taken ($try)" ;;
		*) die "cluster start: $out" ;;
		esac
	done
	die 'found no free port'
}

# cluster_pid: of the daemon that is, or was last, ready.
cluster_pid() { sed -n 's/.*"pid": *\([0-9][0-9]*\).*/\1/p' "$HOME/.fluvio/data/daemon.json"; }

# cluster_kill returns when the process is gone: the kernel takes a moment to
# free its memory and then its lock.
cluster_kill() {
	local pid deadline=$((SECONDS + 10))
	pid=$(cluster_pid)
	kill -9 "$pid" || die 'kill -9'
	while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do
		[ "$SECONDS" -lt "$deadline" ] || die "process $pid survives kill -9"
		sleep 0.01
	done
}

cluster_resume() {
	local out
	out=$("$FLUVIO" cluster resume 2>&1) || die "cluster resume: $out"
}

cluster_shutdown() {
	local out
	out=$("$FLUVIO" cluster shutdown 2>&1) || die "cluster shutdown: $out"
}

# cluster_end runs at exit. The lock of the daemon, not a process id that may
# have a new owner, decides whether there is something to end.
cluster_end() {
	local status=$? log
	trap - EXIT
	if [ -e "$HOME/.fluvio/local-config" ]; then
		timeout 60 "$FLUVIO" cluster shutdown >/dev/null 2>&1 || {
			kill -9 "$(cluster_pid)" 2>/dev/null
			status=1
			say 'FAIL: the cluster did not shut down'
		}
	fi
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		for log in "$HOME"/.fluvio/log/*; do
			[ -s "$log" ] && say "--- end of $(basename "$log")" && tail -n 20 "$log"
		done >&2
	fi
	if [ -n "${KEEP:-}" ]; then
		say "kept $SCRATCH"
	else
		rm -rf "$SCRATCH"
	fi
	exit "$status"
}

# seconds_since MARK: with milliseconds, MARK from `now`.
now() { date +%s%N; }
seconds_since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.2f", (b - a) / 1e9 }'; }
