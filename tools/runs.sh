# How a kernel is booted for its checks, and how a fuzz target is let loose, as jobs
# of tools/jobs.sh; and the campaigns, which are such jobs. For bash scripts, which
# source both files and set
#
#	logs		the folder of the logs
#	patience	the seconds after which a boot is a hang
#	talkative	if not empty, a run's counts are shown at its end

# What a boot of so many CPUs weighs, in thirds of a CPU, so that there is ROOM for
# 3 times the number of CPUs: checks sleep for a third of their time, and those of
# several CPUs wait for each other, too.
boot_weight()
{
	echo $(($1 > 1 ? 3 : 2))
}

boot_make()
{
	${MAKE:-make} -s PORT="$1" CONFIG="$2" CC="$([ "$2" = tsan ] && echo clang || echo gcc)" "${@:3}"
}

log_of()
{
	echo "$logs/$(tr -c 'a-z0-9\n' '-' <<<"$1").log"
}

# boot_job PORT CONFIG CPUS MEM SETTINGS: a job that boots with these settings, then
# powers off.
boot_job()
{
	job "$(boot_weight "$3")" "$1 $2 cpus=$3 $5" boot_run "$@" &&
		boot_images["$1 $2"]=1
}

# The images of all such jobs, before the first one starts. One that cannot be built
# is a failure of its jobs.
declare -A boot_images=()
boot_build()
{
	local image

	for image in "${!boot_images[@]}"; do
		# shellcheck disable=SC2086
		pulse "building $image" boot_make $image $JOBS image ||
			boot_images[$image]=
	done
}

boot_run()
{
	local name="$1 $2 cpus=$3 $5" log code=0

	if [ -z "${boot_images[$1 $2]}" ]; then
		echo "FAIL $name: does not build" >>"$RESULTS"
		return 1
	fi
	log=$(log_of "$name")
	IMAGE=$(boot_make "$1" "$2" print-image) PORT=$1 MEM=$4 CPUS=$3 QEMU_FLAGS= \
		APPEND="$5 run=\"poweroff\"" \
		timeout -k 5 "$patience" tools/run >"$log" 2>&1 </dev/null || code=$?
	if ! tools/tap "$name" $code <"$log" >>"$RESULTS"; then
		echo "-- $name: $log"
		tail -60 "$log"
		return 1
	fi
	if [ -n "${talkative-}" ]; then
		grep '^# ' "$log" | sed 's/^/      /'
	fi
}

# fuzz_job TARGET NODES LAYER SECONDS SEED: a job in which libFuzzer breeds inputs.
fuzz_job()
{
	job 3 "fuzz $1 $2,$3 seed=$5 seconds=$4" fuzz_run "$@" && has_fuzz_jobs=yes
}

has_fuzz_jobs=
fuzz_build()
{
	[ -n "$has_fuzz_jobs" ] || return 0
	# shellcheck disable=SC2086
	pulse "building fuzz targets" ${MAKE:-make} -s $JOBS PORT=host CONFIG=asan \
		CC=clang FUZZ=1 fuzz-programs
}

fuzz_run()
{
	local name="fuzz $1 $2,$3 seed=$5 seconds=$4" log

	log=$(log_of "$name")
	if ! SEED=$5 FRESH=1 tools/fuzz "$1" "$4" "$2" "$3" >"$log" 2>&1 </dev/null; then
		echo "FAIL $name" >>"$RESULTS"
		echo "-- $name: $log"
		tail -60 "$log"
		return 1
	fi
	echo "ok $name" >>"$RESULTS"
	if [ -n "${talkative-}" ]; then
		grep -E '^#[0-9]+.DONE|^stat::number_of' "$log" | sed 's/^/      /'
	fi
}

# -- campaigns --------------------------------------------------------------------

campaign_names()
{
	awk '!/^#/ && NF && !seen[$1]++ { print $1 }' tools/campaigns.txt
}

# campaign_rows SCALE NAME: the lines of this name (or "all"), without it, with their
# numbers times SCALE and SEED in place of their own seeds.
campaign_rows()
{
	awk -v scale="$1" -v name="$2" -v seed="${SEED-}" '
	/^#/ || !NF || (name != "all" && $1 != name) { next }
	{
		sub(/^[^ ]+ +/, "")
		while (match($0, /@[0-9]+/)) {
			number = substr($0, RSTART + 1, RLENGTH - 1) * scale
			$0 = substr($0, 1, RSTART - 1) \
				sprintf("%.0f", number < 1 ? 1 : number) \
				substr($0, RSTART + RLENGTH)
		}
		if (seed != "")
			gsub(/seed=[0-9]+/, "seed=" seed)
		print
	}' tools/campaigns.txt
}

# campaign_jobs SCALE NAME KIND: a job for each such line of this kind.
campaign_jobs()
{
	local kind a b c d rest

	while read -r kind a b c d rest; do
		[ "$kind" = "$3" ] || continue
		case $kind in
		boot) boot_job "$a" "$b" "$c" "$d" "$rest" ;;
		fuzz) fuzz_job "$a" "$b" "$c" "$d" "${rest#seed=}" ;;
		esac
	done < <(campaign_rows "$1" "$2")
}
