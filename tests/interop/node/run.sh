#!/usr/bin/env bash
# Runs the official Node client's addon against a cluster of its own. Exits
# with 77 when it cannot be had here. The package is kept in .cache.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../harness/cluster.sh"

PACKAGE=@fluvio/client@0.14.9
cache=$ROOT/.cache/interop-node
export ADDON=$cache/package/dist/linux/index.node

left_out() {
	say "left out: $*"
	exit 77
}

command -v node >/dev/null && command -v npm >/dev/null || left_out 'there is no node and npm'
[ "$(uname -sm)" = 'Linux x86_64' ] || left_out 'the addon is for Linux on x86-64'
if [ ! -e "$ADDON" ]; then
	mkdir -p "$cache"
	out=$(cd "$cache" && npm pack --silent "$PACKAGE" 2>&1 && tar xzf fluvio-client-*.tgz 2>&1) || left_out "npm cannot get $PACKAGE
$out"
fi

cluster_home
cluster_start
timeout 120 node "$ROOT/tests/interop/node/smoke.js"
