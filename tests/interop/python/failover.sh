#!/usr/bin/env bash
# The official Python client produces and consumes while the leaders of its
# topic are killed, FAILOVER_ROUNDS (3) times. Exits with 77 when Python or the
# package cannot be had here.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../harness/nodes.sh"
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

python_env
cluster_home
nodes_start
timeout 600 python3 "$ROOT/tests/interop/failover.py" "$PYTHON" "$ROOT/tests/interop/python/failover_client.py"
