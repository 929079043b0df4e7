#!/usr/bin/env bash
# Prints the tables of docs/performance.md. Options are those of the program, such as -quick, -check or -record:
#
#   internal/bench/bench.sh             everything, some minutes
#   internal/bench/bench.sh -quick -check   for CI
#   internal/bench/bench.sh -floods 1
#   internal/bench/bench.sh -growth
#   internal/bench/bench.sh -cores -rounds 7
set -euo pipefail
cd "$(dirname "$0")/../.."
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
go build -o "$built/bench" ./internal/bench/cmd
binary=()
case " $* " in *" -quick "* | *" -floods "* | *" -growth "* | *" -only "*) ;; *)
	go build -o "$built/trailbeat" ./cmd/trailbeat
	binary=(-binary "$built/trailbeat")
	;;
esac
"$built/bench" "${binary[@]}" "$@"
