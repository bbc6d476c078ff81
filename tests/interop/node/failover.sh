#!/usr/bin/env bash
# The official Node client produces and consumes while the leaders of its topic
# are killed, FAILOVER_ROUNDS (3) times. Exits with 77 when it, or python3 for
# the test itself, cannot be had here.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../harness/nodes.sh"
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

command -v python3 >/dev/null || left_out 'there is no python3'
node_env
cluster_home
nodes_start
timeout 600 python3 "$ROOT/tests/interop/failover.py" node "$ROOT/tests/interop/node/failover_client.js"
