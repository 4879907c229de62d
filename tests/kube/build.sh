#!/bin/bash
# Makes a real Kubernetes control plane for tests: etcd, kube-apiserver, kube-controller-manager and kube-scheduler 1.20,
# out of Debian 12's source package and compiler, since no registry that the tests may use has it ready. It takes some six
# minutes of processor time and 4 GB, once a machine; when it is there already, this does nothing.
#
# It has no custom kinds: an object of one ends this kube-apiserver, whose libraries are older than the compiler.
#
# usage: build.sh [FOLDER]     default: ~/.cache/portwright/kube
set -euo pipefail

folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/portwright/kube}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
programs=(kube-controller-manager kube-scheduler kube-apiserver)

ready=yes
for program in "${programs[@]}" etcd; do
  [[ -x $folder/bin/$program ]] || ready=no
done
[[ $ready == yes ]] && { echo "$folder"; exit 0; }

# Debian's lists for this folder alone: the machine's own stay as they are.
prepare_apt() {
  mkdir -p "$folder"/apt/{lists/partial,archives/partial,sources}
  local file
  for file in /etc/apt/sources.list.d/*.sources; do
    if [[ -f $file ]] && grep -qE '^Suites:.*bookworm' "$file"; then
      sed 's/^Types:.*/Types: deb deb-src/' "$file" >"$folder/apt/sources/${file##*/}"
    fi
  done
  if [[ -f /etc/apt/sources.list ]]; then
    sed -nE '/bookworm/s/^deb(-src)? (.*)/deb \2\ndeb-src \2/p' /etc/apt/sources.list >"$folder/apt/sources/main.list"
  fi
  cat >"$folder/apt.conf" <<CONF
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$folder/apt/sources";
Dir::State::lists "$folder/apt/lists";
Dir::Cache "$folder/apt";
APT::Sandbox::User "root";
CONF
  export APT_CONFIG=$folder/apt.conf
}

fetch() {
  apt-get update -qq
  local version
  version=$(apt-cache showsrc kubernetes | awk '/^Version: 1\.20/ { print $2; exit }')
  apt-get source -qq --download-only "kubernetes=$version"
  mkdir -p debs unpacked
  (cd debs && apt-get download -qq golang-1.19-go golang-1.19-src etcd-server)
  for package in debs/*.deb; do dpkg -x "$package" unpacked; done
  tar xzf kubernetes_*.orig.tar.gz
}

cd "$folder"
mkdir -p bin gopath/src/k8s.io
prepare_apt
fetch
tree=$(echo "$folder"/kubernetes-1.20.*)
ln -sfn "$tree" gopath/src/k8s.io/kubernetes
export GOROOT=$folder/unpacked/usr/lib/go-1.19 GOPATH=$folder/gopath GO111MODULE=off CGO_ENABLED=0 GOCACHE=$folder/gocache GOFLAGS=
export PATH=$GOROOT/bin:$PATH
cd gopath/src/k8s.io/kubernetes

# The source package leaves one generated file out; the tree brings the generator for it.
go build -o "$folder/bin/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
marked=$(grep -rlE --include='*.go' '^// *\+k8s:openapi-gen=true' staging/src/k8s.io pkg cmd |
  grep -vE '_test\.go|sample-apiserver|_examples|wardle|testdata|zz_generated' | xargs -n1 dirname | sort -u |
  sed -e 's#^staging/src/#k8s.io/kubernetes/vendor/#' -e t -e 's#^#k8s.io/kubernetes/#' | paste -sd,)
"$folder/bin/openapi-gen" --logtostderr -i "$marked" -O zz_generated.openapi -p k8s.io/kubernetes/pkg/generated/openapi \
  -h hack/boilerplate/boilerplate.generatego.txt -r "$folder/violations" -o "$folder/gopath/src"

# Without a version of their own, the programs take clients for too new.
stamp=
for package in k8s.io/kubernetes/vendor/k8s.io/{component-base,client-go/pkg}/version k8s.io/{component-base,client-go/pkg}/version; do
  stamp+=" -X $package.gitVersion=v1.20.2 -X $package.gitMajor=1 -X $package.gitMinor=20"
done
for program in "${programs[@]}"; do
  go build -p 2 -ldflags "-s -w $stamp" -o "$folder/bin/$program" "./cmd/$program"
done
cp "$folder/unpacked/usr/bin/etcd" "$folder/bin/etcd"
echo "$folder"
