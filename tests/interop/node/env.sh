# shellcheck shell=bash
# Sourced after cluster.sh or nodes.sh: sets $ADDON to the addon of the official
# client, or exits with 77 when it cannot be had here. The package is kept in
# .cache.

left_out() {
	say "left out: $*"
	exit 77
}

node_env() {
	local package=@fluvio/client@0.14.9 cache=$ROOT/.cache/interop-node out
	export ADDON=$cache/package/dist/linux/index.node
	command -v node >/dev/null && command -v npm >/dev/null || left_out 'there is no node and npm'
	[ "$(uname -sm)" = 'Linux x86_64' ] || left_out 'the addon is for Linux on x86-64'
	[ ! -e "$ADDON" ] || return 0
	mkdir -p "$cache"
	out=$(cd "$cache" && npm pack --silent "$package" 2>&1 && tar xzf fluvio-client-*.tgz 2>&1) || left_out "npm cannot get $package
$out"
}
