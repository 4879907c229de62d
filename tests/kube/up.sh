#!/bin/bash
# Starts the control plane that build.sh made, on loopback and free ports, and prints the path of its kubeconfig:
#
#     export PORTWRIGHT_KUBE=$(tests/kube/up.sh /tmp/kube)
#     cargo test -p portwright-sources kubernetes::tests::live
#     tests/kube/down.sh /tmp/kube
#
# Its contexts are `admin`, who may do everything, and `reader`, who may do nothing until somebody binds a role.
#
# usage: up.sh STATE [FOLDER]     FOLDER as build.sh has it
set -euo pipefail

state=${1:?usage: up.sh STATE [FOLDER]}
bin=$(cd "${2:-${XDG_CACHE_HOME:-$HOME/.cache}/portwright/kube}/bin" && pwd)
mkdir -p "$state"
cd "$state"

free_ports() {
  python3 - "$1" <<'PY'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in sockets:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in sockets))
PY
}
read -r client peer api controller scheduler < <(free_ports 5)

if [[ ! -f accounts.key ]]; then
  openssl genrsa -out accounts.key 2048 2>/dev/null
  openssl rsa -in accounts.key -pubout -out accounts.pub 2>/dev/null
fi
admin=$(openssl rand -hex 16) reader=$(openssl rand -hex 16)
printf '%s,admin,admin,system:masters\n%s,reader,reader,readers\n' "$admin" "$reader" >tokens.csv
cat >kubeconfig <<CONFIG
apiVersion: v1
kind: Config
current-context: admin
clusters:
- {name: local, cluster: {server: "https://127.0.0.1:$api", insecure-skip-tls-verify: true}}
users:
- {name: admin, user: {token: "$admin"}}
- {name: reader, user: {token: "$reader"}}
contexts:
- {name: admin, context: {cluster: local, user: admin}}
- {name: reader, context: {cluster: local, user: reader}}
CONFIG
chmod 600 kubeconfig tokens.csv

run() {
  local name=$1
  shift
  setsid nohup "$bin/$name" "$@" >"$name.log" 2>&1 </dev/null &
  echo $! >"$name.pid"
}
run etcd --data-dir data --unsafe-no-fsync \
  --listen-client-urls "http://127.0.0.1:$client" --advertise-client-urls "http://127.0.0.1:$client" \
  --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
  --initial-cluster "default=http://127.0.0.1:$peer"
run kube-apiserver --etcd-servers="http://127.0.0.1:$client" --bind-address=127.0.0.1 --advertise-address=127.0.0.1 \
  --secure-port="$api" --cert-dir=certs --service-cluster-ip-range=10.96.0.0/16 --token-auth-file=tokens.csv \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file=accounts.pub \
  --service-account-signing-key-file=accounts.key --authorization-mode=RBAC \
  --disable-admission-plugins=ServiceAccount --allow-privileged=true

for try in $(seq 121); do
  [[ $(curl -sk -H "Authorization: Bearer $admin" "https://127.0.0.1:$api/readyz" || true) == ok ]] && break
  [[ $try == 121 ]] && { echo "kube-apiserver does not get ready: see $PWD/kube-apiserver.log" >&2; exit 1; }
  sleep 0.5
done
run kube-controller-manager --kubeconfig=kubeconfig --service-account-private-key-file=accounts.key \
  --root-ca-file=certs/apiserver.crt --leader-elect=false --port=0 --secure-port="$controller" --bind-address=127.0.0.1
run kube-scheduler --kubeconfig=kubeconfig --leader-elect=false --port=0 --secure-port="$scheduler" --bind-address=127.0.0.1
echo "$PWD/kubeconfig"
