#!/usr/bin/env bash
# Runs the official Node client's addon against a cluster of its own. Exits
# with 77 when it cannot be had here.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../harness/cluster.sh"
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

node_env
cluster_home
cluster_start
timeout 120 node "$ROOT/tests/interop/node/smoke.js"
