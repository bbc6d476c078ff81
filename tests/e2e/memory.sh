#!/usr/bin/env bash
# Prints the memory of a daemon with two SPUs, idle and while records of 1 KB
# stream in and out at full speed for MEMORY_SECONDS (60), and fails above
# MEMORY_LIMIT_MB (100). Linux only: other systems have no smaps_rollup.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec go test -tags e2e -count=1 -timeout 30m -run '^TestMemory$' -v ./tests/e2e
