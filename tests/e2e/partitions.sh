#!/usr/bin/env bash
# Prints how long a topic of PARTITIONS (1,000) partitions with three replicas
# takes to create and delete on three SPUs, and what it costs while it is idle:
# once with everything in one daemon, once with four processes. Also the idle
# cost of clusters without it. Linux only, for /proc.
set -euo pipefail
# shellcheck source=tests/harness/cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/../harness/cluster.sh"

PARTITIONS=${PARTITIONS:-1000}
IDLE=${IDLE_SECONDS:-20}
cluster_home

# ticks PID…: processor time used so far, in hundredths of a second.
ticks() {
	local pid sum=0
	for pid; do sum=$((sum + $(awk '{ print $14 + $15 }' "/proc/$pid/stat"))); done
	echo "$sum"
}

# idle NAME PID…: prints the share of a core that the processes use.
idle() {
	local name=$1 before
	shift
	sleep 3 # for what the last command left to do
	before=$(ticks "$@")
	sleep "$IDLE"
	awk -v n="$name" -v t="$(($(ticks "$@") - before))" -v s="$IDLE" \
		'BEGIN { printf "%-48s %.2f %% of a core\n", n ", idle", t / s }'
}

# size NAME PID…: prints resident and anonymous memory and open descriptors.
size() {
	local name=$1 pid fds=0
	shift
	for pid; do fds=$((fds + $(ls "/proc/$pid/fd" | wc -l))); done
	cat $(printf '/proc/%s/status ' "$@") | awk -v n="$name" -v f="$fds" \
		'/^VmRSS/ { r += $2 } /^RssAnon/ { a += $2 } END { printf "%-48s %.1f MB resident, %.1f MB anonymous, %d descriptors\n", n, r / 1024, a / 1024, f }'
}

timed() {
	local name=$1 start
	shift
	start=$(now)
	"$@" >/dev/null || die "$*"
	printf '%-48s %s s\n' "$name" "$(seconds_since "$start")"
}

# whole: waits until every partition has all its followers in sync.
whole() {
	local deadline=$((SECONDS + 60))
	until [ "$("$FLUVIO" partition list | awk '$1 == "big" && / 2 +\[ReplicaStatus/ { n++ } END { print n + 0 }')" = "$PARTITIONS" ]; do
		[ "$SECONDS" -lt "$deadline" ] || die 'not all replicas came in sync'
		sleep 0.1
	done
}

# big NAME PID…: the topic from its creation to its end.
big() {
	local name=$1
	shift
	timed "$name: create" "$FLUVIO" topic create big -p "$PARTITIONS" -r 3
	whole
	size "$name: with it" "$@"
	idle "$name: with it" "$@"
	timed "$name: partition list" "$FLUVIO" partition list
	timed "$name: delete" "$FLUVIO" topic delete big
	idle "$name: after it" "$@"
}

say "topic of $PARTITIONS partitions, 3 replicas"
cluster_start --spu 1
idle 'daemon with one SPU' "$(cluster_pid)"
cluster_shutdown
"$FLUVIO" cluster delete --force >/dev/null 2>&1

cluster_start --spu 3
"$FLUVIO" topic create small -r 3 >/dev/null
idle 'daemon with three SPUs, one small topic' "$(cluster_pid)"
big 'one daemon' "$(cluster_pid)"
cluster_shutdown
"$FLUVIO" cluster delete --force >/dev/null 2>&1

# The same as processes of their own.
PIDS=()
node() { # node FILE ARG…: starts one and waits for its addresses
	local file=$1 deadline=$((SECONDS + 20))
	shift
	"$FLUVIO" run "$@" --address-file "$file" 2>>"$SCRATCH/nodes.log" &
	PIDS+=($!)
	until [ -e "$file" ]; do
		[ "$SECONDS" -lt "$deadline" ] || die "run $*: $(tail -n 3 "$SCRATCH/nodes.log")"
		sleep 0.05
	done
	# shellcheck disable=SC1090
	source "$file"
}
end_nodes() {
	local status=$?
	kill "${PIDS[@]}" 2>/dev/null || true
	wait "${PIDS[@]}" 2>/dev/null || true
	(exit "$status")
	cluster_end
}
trap end_nodes EXIT
node "$SCRATCH/sc.addr" sc --local "$SCRATCH/md" --bind-public 127.0.0.1:0 --bind-private 127.0.0.1:0
SC_PRIVATE=$PRIVATE
"$FLUVIO" profile add nodes "$PUBLIC" >/dev/null
for id in 1 2 3; do
	node "$SCRATCH/$id.addr" spu -i "$id" -p 127.0.0.1:0 -v 127.0.0.1:0 --sc-addr "$SC_PRIVATE" --log-base-dir "$SCRATCH/data"
	"$FLUVIO" cluster spu register --id "$id" --public-server "$PUBLIC" --private-server "$PRIVATE"
done
until [ "$("$FLUVIO" cluster spu list | grep -c Online)" = 3 ]; do sleep 0.1; done
idle 'four processes' "${PIDS[@]}"
big 'four processes' "${PIDS[@]}"
