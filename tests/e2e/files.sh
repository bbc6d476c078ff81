#!/usr/bin/env bash
# A real text file goes through topics line by line and must come back byte for
# byte: every codec on one partition, then three partitions without and with
# keys, by file and by pipe, with the cluster shut down or killed in between.
#
# FILE_MB (8) is the size of the text, Go's own source code without empty
# lines; 110 is the full run.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../harness/cluster.sh"

FILE_MB=${FILE_MB:-8}
export LC_ALL=C

cluster_home
cd "$SCRATCH" || exit 1

bytes() { wc -c <"$1" | tr -d ' '; }

# text MB: whole lines of Go's source, at most MB megabytes, without what a
# line-wise text tool may treat specially: empty lines, carriage returns, NUL
# and bytes that are not UTF-8; and without a line too large for one record.
text() {
	find "$(go env GOROOT)/src" "$(go env GOROOT)/test" -name '*.go' -type f 2>/dev/null | sort | tr '\n' '\0' |
		xargs -0 cat | tr -d '\r\000' | iconv -f UTF-8 -t UTF-8 -c | awk -v most=$(($1 * 1000000)) '
			length == 0 || length > 1000000 { next }
			{ size += length + 1; if (size > most) exit; print }'
}

text "$FILE_MB" >corpus
while [ "$(bytes corpus)" -lt $((FILE_MB * 1000000 - 10000)) ]; do # GOROOT is smaller than that: repeat it
	text "$FILE_MB" >more
	cat more >>corpus
	head -c $((FILE_MB * 1000000)) corpus | iconv -f UTF-8 -t UTF-8 -c | awk 'length' >cut && mv cut corpus
done
rm -f more
[ "$(tail -c 1 corpus | od -An -c | tr -d ' ')" = '\n' ] || echo >>corpus
say "text: $(bytes corpus) bytes in $(wc -l <corpus) lines"

printf '%-34s %12s %12s %10s %10s %s\n' case bytes stored produce consume verdict
# row NAME FILE TOPIC PRODUCE_SECONDS CONSUME_SECONDS VERDICT
row() {
	printf '%-34s %12s %12s %9ss %9ss %s\n' "$1" "$(bytes "$2")" "$(stored "$3")" "$4" "$5" "$6"
}
stored() { # bytes of a topic's batches on disk
	find "$HOME/.fluvio/data" -path "*/$1-[0-9]*" -name '*.log' -exec cat {} + | wc -c | tr -d ' '
}
run() { "$FLUVIO" "$@" || die "fluvio $*"; }
timed() { # timed VARIABLE COMMAND…
	local mark var=$1
	mark=$(now)
	shift
	"$@" || die "$*"
	printf -v "$var" '%s' "$(seconds_since "$mark")"
}
create() { run topic create "$@" >/dev/null; }
produce() { "$FLUVIO" produce "$@"; }
produce_pipe() { local f=$1 && shift && "$FLUVIO" produce "$@" <"$f"; }
consume() { local f=$1 && shift && "$FLUVIO" consume "$@" -B -d >"$f"; }

# same CASE WANT GOT
same() { cmp "$2" "$3" >&2 || die "$1: what came back differs from what went in"; }

# roundtrip CODEC RESTART: one partition, by file, with the cluster ended by
# RESTART between the producer and the consumer.
roundtrip() {
	local codec=$1 restart=$2 topic=one-$1 p c
	create "$topic" --compression-type "$codec"
	timed p produce "$topic" -f corpus --compression "$codec"
	case $restart in
	shutdown) cluster_shutdown && cluster_resume ;;
	kill) cluster_kill && cluster_resume ;;
	esac
	timed c consume out "$topic"
	same "$codec" corpus out
	row "file, $codec${restart:+, $restart, resume}" corpus "$topic" "$p" "$c" identical
	run topic delete "$topic" >/dev/null
}

# spread: three partitions without keys. The producer deals lines out in turn,
# so each partition's content is known exactly.
spread() {
	local p c i
	create spread -p 3
	timed p produce spread -f corpus
	for i in 0 1 2; do
		consume "part$i" spread -p "$i" || die "consume -p $i"
		awk -v i="$i" 'NR % 3 == (i + 1) % 3' corpus >want
		same "spread, partition $i" want "part$i"
	done
	timed c consume out spread
	same 'spread, all partitions' <(sort corpus) <(sort out)
	row 'file, 3 partitions, no keys' corpus spread "$p" "$c" 'each exact, whole permuted'
	run topic delete spread >/dev/null
}

# keyed: three partitions with 100 keys. All lines of a key are in one
# partition; given which, each partition's content is known exactly.
keyed() {
	local p c i
	awk '{ print "key" NR % 100 ":" $0 }' corpus >keyed
	create keyed -p 3
	timed p produce keyed -f keyed --key-separator :
	cluster_kill && cluster_resume
	: >where
	for i in 0 1 2; do
		consume "part$i" keyed -p "$i" -k || die "consume -p $i"
		awk -v i="$i" '{ sub(/^\[/, ""); sub(/\].*/, ""); seen[$0] } END { for (k in seen) print k, i }' "part$i" >>where
	done
	[ "$(cut -d' ' -f1 where | sort | uniq -d | wc -l)" = 0 ] || die 'keyed: a key is in two partitions'
	for i in 0 1 2; do
		awk -v i="$i" 'NR == FNR { at[$1] = $2; next }
			{ key = "key" FNR % 100; if (at[key] == i) print "[" key "] " $0 }' where corpus >want
		[ -s want ] || die "keyed: partition $i is empty"
		same "keyed, partition $i" want "part$i"
	done
	timed c consume out keyed
	same 'keyed, all partitions' <(sort corpus) <(sort out)
	row 'file, 3 partitions, keys, kill -9' keyed keyed "$p" "$c" 'each exact, whole permuted'
	run topic delete keyed >/dev/null
}

piped() {
	local p c
	create piped
	timed p produce_pipe corpus piped
	timed c consume out piped
	same pipe corpus out
	row 'pipe' corpus piped "$p" "$c" identical
	run topic delete piped >/dev/null
}

cluster_start
roundtrip none ''
roundtrip gzip shutdown
roundtrip snappy kill
roundtrip lz4 shutdown
roundtrip zstd kill
spread
keyed
piped
say 'all files came back'
