#!/bin/bash
# Renders the Helm chart without Helm: builds render.go with Debian's compiler and libraries, into the folder of the
# control plane (see ../build.sh), and runs it.
#
# usage: render.sh PLANE RELEASE NAMESPACE [key.path=value …]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
plane=${1:?usage: render.sh PLANE RELEASE NAMESPACE}
shift
libraries=(
  golang-github-masterminds-sprig-dev golang-github-masterminds-goutils-dev golang-github-masterminds-semver-dev
  golang-github-google-uuid-dev golang-github-huandu-xstrings-dev golang-github-imdario-mergo-dev
  golang-github-mitchellh-copystructure-dev golang-github-mitchellh-reflectwalk-dev golang-github-shopspring-decimal-dev
  golang-github-spf13-cast-dev golang-golang-x-crypto-dev golang-gopkg-yaml.v3-dev golang-gopkg-yaml.v2-dev
)

if [[ ! -x $plane/bin/render-chart || $here/render.go -nt $plane/bin/render-chart ]]; then
  mkdir -p "$plane/chart/debs" "$plane/chart/unpacked"
  (cd "$plane/chart/debs" && apt-get download -qq "${libraries[@]}" >&2)
  for package in "$plane"/chart/debs/*.deb "$plane"/debs/golang-*.deb; do dpkg -x "$package" "$plane/chart/unpacked"; done
  # Debian's compiler finds its sources through links that start at the top.
  export GOROOT=$plane/chart/go
  rm -rf "$GOROOT"
  cp -rL "$plane/chart/unpacked/usr/share/go-1.19" "$GOROOT" 2>/dev/null || true
  cp -r "$plane/chart/unpacked/usr/lib/go-1.19/." "$GOROOT/" 2>/dev/null || true
  GO111MODULE=off GOFLAGS= GOCACHE=$plane/chart/cache GOPATH=$plane/chart/unpacked/usr/share/gocode \
    "$GOROOT/bin/go" build -o "$plane/bin/render-chart" "$here/render.go" >&2
fi
exec "$plane/bin/render-chart" "$here/../../../packaging/helm/portwright" "$@"
