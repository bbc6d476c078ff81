# shellcheck shell=bash
# Sourced by the suites that are shell scripts and kill single nodes: an SC and
# three SPUs, each a process of its own on loopback, gone when the script ends.
#
#	source tests/harness/nodes.sh
#	cluster_home             # of cluster.sh
#	nodes_start              # registers the SPUs and makes the profile
#	node_kill spu-2          # kill -9
#	node_start spu-2
#
# For node N there are $NODES/N.argv, its command line with a zero byte after
# each word, and, while it serves, $NODES/N.addr with its PID and addresses.

source "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

# node_start NAME: starts a node and returns when it serves.
node_start() {
	local name=$1 pid deadline=$((SECONDS + 30))
	local -a argv
	mapfile -d '' -t argv <"$NODES/$name.argv"
	rm -f "$NODES/$name.addr"
	"${argv[@]}" >>"$NODES/$name.log" 2>&1 &
	pid=$!
	disown "$pid" # or the shell tells of its end
	until [ -e "$NODES/$name.addr" ]; do
		kill -0 "$pid" 2>/dev/null || { tail -n 3 "$NODES/$name.log"; return 1; }
		[ "$SECONDS" -lt "$deadline" ] || die "$name is not ready"
		sleep 0.02
	done
}

node_pid() { sed -n 's/^PID=//p' "$NODES/$1.addr"; }

node_kill() { kill -9 "$(node_pid "$1")" || die "kill -9 $1"; }

nodes_end() {
	local status=$? name
	for name in "$NODES"/*.addr; do
		[ -e "$name" ] && kill -9 "$(sed -n 's/^PID=//p' "$name")" 2>/dev/null
	done
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		for name in "$NODES"/*.log; do
			[ -e "$name" ] && say "--- end of $(basename "$name")" && tail -n 10 "$name"
		done >&2
	fi
	(exit "$status")
	cluster_end
}

# nodes_start tries ports until they are free.
nodes_start() {
	local try port name id deadline
	export NODES=$SCRATCH/nodes
	mkdir "$NODES"
	trap nodes_end EXIT
	for try in 1 2 3 4 5 6 7 8; do
		port=$((20000 + RANDOM % 10000))
		printf '%s\0' "$FLUVIO" run sc --local "$NODES/metadata" --address-file "$NODES/sc.addr" \
			--bind-public "127.0.0.1:$port" --bind-private "127.0.0.1:$((port + 1))" >"$NODES/sc.argv"
		node_start sc && break
		say "port $port is taken ($try)"
	done
	[ -e "$NODES/sc.addr" ] || die 'found no free port'
	"$FLUVIO" profile add nodes "127.0.0.1:$port" >/dev/null || die 'profile add'
	for id in 1 2 3; do
		name=spu-$id
		# An SPU keeps its ports, or clients would not find it after a restart.
		for try in 1 2 3 4 5 6 7 8; do
			local public=$((20000 + RANDOM % 10000))
			printf '%s\0' "$FLUVIO" run spu --id "$id" --log-base-dir "$NODES/data" --address-file "$NODES/$name.addr" \
				-p "127.0.0.1:$public" -v "127.0.0.1:$((public + 1))" --sc-addr "127.0.0.1:$((port + 1))" >"$NODES/$name.argv"
			node_start "$name" && break
			say "port $public is taken ($try)"
		done
		"$FLUVIO" cluster spu register --id "$id" --public-server "127.0.0.1:$public" \
			--private-server "127.0.0.1:$((public + 1))" || die 'spu register'
	done
	deadline=$((SECONDS + 30))
	until [ "$("$FLUVIO" cluster spu list 2>&1 | grep -c Online)" = 3 ]; do
		[ "$SECONDS" -lt "$deadline" ] || die 'the SPUs are not online'
		sleep 0.05
	done
}
