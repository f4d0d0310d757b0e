# Runs jobs side by side. A bash script sources this file, describes its jobs, and
# then runs them:
#
#	job WEIGHT NAME COMMAND...	describes a job; nothing is started yet
#	run_jobs ROOM			runs all jobs; fails if one of them failed
#
# Jobs run at the same time as long as the sum of their weights is at most ROOM; a
# job that is heavier than ROOM runs alone. They begin in the order in which they
# were described, except that a light job may overtake a heavy one that does not fit.
#	pulse WHAT COMMAND...		runs a command now, and says that it still runs
#
# ONLY, an extended regular expression in the environment, selects the jobs whose
# names it matches. With LIST=1 in the environment the selected names are printed,
# and there is nothing to run. `job` succeeds if its job is going to run.
#
# COMMAND is a command or a function. It runs in a subshell, its output is kept and
# printed when it ends. It adds lines "ok NAME" and "FAIL NAME" to the file $RESULTS;
# those of all jobs are added to the script's own $RESULTS in the order of their
# description. A job that fails without a "FAIL" line, or succeeds without any line,
# gets a "FAIL" line. While jobs run, at least one line every PULSE seconds says so.

PULSE=15
job_names=()
job_weights=()
job_commands=()

job()
{
	local weight=$1 name=$2
	shift 2
	[[ -z ${ONLY-} || $name =~ $ONLY ]] || return 1
	if [ -n "${LIST-}" ]; then
		printf '%s\n' "$name"
		return 1
	fi
	job_names+=("$name")
	job_weights+=("$weight")
	job_commands+=("$(printf '%q ' "$@")")
}

# $1: the index of a job, which then runs in the background.
job_start()
{
	local file=$jobs_dir/$1

	: >"$file.results"
	(
		trap - INT TERM
		RESULTS=$file.results
		eval "${job_commands[$1]}"
	) >"$file.output" 2>&1 </dev/null &
	job_of[$!]=$1
	job_started[$1]=$SECONDS
	: $((jobs_used += job_weights[$1]))
}

# Starts whatever fits.
jobs_fill()
{
	local i

	for i in "${!jobs_waiting[@]}"; do
		if ((jobs_used == 0 || jobs_used + job_weights[i] <= jobs_room)); then
			unset "jobs_waiting[$i]"
			job_start "$i"
		fi
	done
}

# $1: process, $2: its exit status
job_end()
{
	local i=${job_of[$1]} verdict=ok file name

	unset "job_of[$1]"
	file=$jobs_dir/$i
	name=${job_names[$i]}
	: $((jobs_used -= job_weights[i], ++jobs_ended))
	if [ "$2" -ne 0 ]; then
		verdict=FAIL
		jobs_status=1
		grep -q '^FAIL ' "$file.results" ||
			echo "FAIL $name: ended with status $2" >>"$file.results"
	elif ! [ -s "$file.results" ]; then
		verdict=FAIL
		jobs_status=1
		echo "FAIL $name: tested nothing" >>"$file.results"
	fi
	printf '   [%*d/%d %4d s] %-4s %s (%d s)\n' ${#jobs_total} $jobs_ended \
		"$jobs_total" $((SECONDS - jobs_began)) $verdict "$name" \
		$((SECONDS - job_started[i]))
	cat "$file.output"
}

pulse()
{
	local what=$1 began=$SECONDS status=0 ticker

	shift
	while sleep $PULSE; do
		echo "   $what, $((SECONDS - began)) s"
	done &
	ticker=$!
	# shellcheck disable=SC2064
	trap "kill $ticker" EXIT
	"$@" || status=$?
	trap - EXIT
	kill $ticker
	wait $ticker 2>/dev/null
	return $status
}

jobs_pulse()
{
	local pid i

	printf '   [%*d/%d %4d s] still at:' ${#jobs_total} $jobs_ended "$jobs_total" \
		$((SECONDS - jobs_began))
	for pid in "${!job_of[@]}"; do
		i=${job_of[$pid]}
		printf ' %s (%d s);' "${job_names[$i]}" $((SECONDS - job_started[i]))
	done
	echo
}

# Ends a process and all of its descendants.
kill_tree()
{
	local child

	for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		kill_tree "$child"
	done
	kill "$1" 2>/dev/null
}

# A background process ignores Ctrl-C, so that we have to end it.
jobs_break()
{
	local pid

	for pid in "${!job_of[@]}" "$jobs_pulse_pid"; do
		kill_tree "$pid"
	done
	rm -rf "$jobs_dir"
	exit 130
}

run_jobs()
{
	local pid status i
	declare -gA job_of=()
	declare -ga job_started=() jobs_waiting=("${job_names[@]}")

	[ -z "${LIST-}" ] || return 0
	jobs_room=$1 jobs_used=0 jobs_ended=0 jobs_status=0
	jobs_total=${#job_names[@]} jobs_began=$SECONDS
	jobs_dir=$(mktemp -d "${TMPDIR:-/tmp}/ashlar-jobs.XXXXXX") || return 1
	sleep $PULSE &
	jobs_pulse_pid=$!
	trap jobs_break INT TERM
	while ((jobs_ended < jobs_total)); do
		jobs_fill
		status=0
		wait -n -p pid || status=$?
		if [ "$pid" = $jobs_pulse_pid ]; then
			jobs_pulse
			sleep $PULSE &
			jobs_pulse_pid=$!
		else
			job_end "$pid" $status
		fi
	done
	trap - INT TERM
	kill $jobs_pulse_pid
	wait $jobs_pulse_pid 2>/dev/null
	for ((i = 0; i < jobs_total; i++)); do
		cat "$jobs_dir/$i.results"
	done >>"$RESULTS"
	rm -rf "$jobs_dir"
	return $jobs_status
}
