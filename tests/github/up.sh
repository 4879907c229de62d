#!/bin/bash
# Starts a GitHub that keeps what is written to it, on loopback and a free port, and prints its address:
#
#     export PORTWRIGHT_GITHUB=$(tests/github/up.sh /tmp/github)
#     cargo test -p portwright-sources github::tests::live
#     kill "$(cat /tmp/github/pid)"
#
# It is the npm package `emulate`, which ./test installs into .tools/github. It needs Node 20.
#
# usage: up.sh STATE
set -euo pipefail

state=${1:?usage: up.sh STATE}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
emulate=$root/.tools/github/node_modules/.bin/emulate
[[ -x $emulate ]] || { echo "up.sh: $emulate is missing; run ./test, it installs it" >&2; exit 1; }
mkdir -p "$state"
cd "$state"

cat > seed.yaml <<'YAML'
tokens:
  canary_token_ada: { login: ada, scopes: [repo, user] }
github:
  users:
    - { login: ada, name: Ada }
  orgs:
    - { login: acme, name: Acme, members: [{ login: ada, role: admin }] }
  repos:
    - { owner: ada, name: site, description: A site, auto_init: true }
    - { owner: acme, name: secret, description: Not for everybody, auto_init: true }
YAML

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$emulate" start --service github --port "$port" --seed seed.yaml > log 2>&1 &
echo $! > pid
for _ in $(seq 100); do
  if curl -sf -o /dev/null "http://127.0.0.1:$port/rate_limit"; then
    echo "http://127.0.0.1:$port"
    exit 0
  fi
  sleep 0.1
done
cat log >&2
exit 1
