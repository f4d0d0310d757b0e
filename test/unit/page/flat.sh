#!/bin/sh
# Instructions per operation of every page policy among 10 and 100,000 free
# extents; fails if the second is more than twice the first.
#
#	test/unit/page/flat.sh PROGRAM      PROGRAM: test_page_flat, built for release
set -eu

program=$1
operations=20000
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# count POLICY EXTENTS: instructions per operation
count()
{
	valgrind --tool=callgrind --callgrind-out-file="$out/profile" \
		--collect-atstart=no --toggle-collect=measured_alloc \
		--toggle-collect=measured_free \
		"$program" "$1" "$2" $operations >"$out/log" 2>&1 || {
		cat "$out/log" >&2
		exit 1
	}
	awk -v operations=$operations \
		'/^(summary|totals):/ { total = $2 } END { print int(total / operations) }' \
		"$out/profile"
}

status=0
printf '%-10s %8s %8s %8s\n' policy 10 1000 100000
for policy in buddy first-fit best-fit worst-fit; do
	few=$(count $policy 10)
	some=$(count $policy 1000)
	many=$(count $policy 100000)
	printf '%-10s %8d %8d %8d\n' $policy "$few" "$some" "$many"
	if [ "$many" -gt $((2 * few)) ]; then
		echo "$policy: not flat" >&2
		status=1
	fi
done
exit $status
