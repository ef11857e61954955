#!/usr/bin/env bash
# The real Airflow 2.11 and 3 and the real MLflow 2 and 3, one after the other: what bellbuoy counts of them beside what Airflow's own database says, with
# runs that fail, are tried again and cleared, the scheduler killed, the server gone, tokens that expire, bellbuoy killed. Takes a quarter of an hour.
#
#   bench/real_servers.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-${TMPDIR:-/tmp}/bellbuoy-real}
failed=0
for major in 2 3; do
  for one in airflow mlflow; do
    dir=$folder/$one-$major
    status=0
    began=$SECONDS
    .ci/servers "$one" "$major" "$dir" || status=$?
    if [ "$status" = 3 ]; then echo "$one $major: skipped, it can not be installed"; continue; fi
    if [ "$status" != 0 ]; then echo "$one $major: DID NOT START"; failed=1; continue; fi
    ready=$((SECONDS - began)) began=$SECONDS
    if env "BELLBUOY_${one^^}=$dir" cargo test -q -p bellbuoy --test it -- "real::the_real_${one}_agrees" --nocapture; then
      echo "$one $major: agrees (start $ready s, test $((SECONDS - began)) s)"
    else
      echo "$one $major: DOES NOT AGREE"
      failed=1
    fi
    .ci/servers stop "$dir"
  done
done
exit "$failed"
