#!/bin/bash
# Ends what up.sh started in STATE. usage: down.sh STATE
set -uo pipefail

cd "${1:?usage: down.sh STATE}" || exit
for program in kube-scheduler kube-controller-manager kube-apiserver etcd; do
  if [[ -f $program.pid ]]; then
    kill "$(<"$program.pid")" 2>/dev/null || true
    rm -f "$program.pid"
  fi
done
