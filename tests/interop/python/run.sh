#!/usr/bin/env bash
# Runs the official Python client against a cluster of its own. Exits with 77
# when Python or the package cannot be had here.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../harness/cluster.sh"
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

python_env
cluster_home
cluster_start --spu 1
timeout 600 "$PYTHON" "$ROOT/tests/interop/python/test_client.py"
