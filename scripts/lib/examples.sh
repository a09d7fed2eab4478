# shellcheck shell=bash
# The examples for frontends, in docs/examples/web: their types, and their tour of a club of its own. Sourced by
# scripts/check after needs.sh.
. scripts/lib/measured.sh

folder=
server=

has_node() {
  command -v npm && node --eval 'process.exit(Number.parseInt(process.versions.node) < 18 ? 1 : 0)'
} >/dev/null 2>&1

# check_examples PROGRAM
check_examples() {
  muster=$1
  need "nodejs npm" has_node "The examples need Node.js 18 or newer and npm: apt-get install nodejs npm"
  local examples="npm --prefix docs/examples/web --loglevel=error"
  $examples ci
  $examples run generate

  trap 'clean_up_examples $?' EXIT
  trap 'exit 130' HUP INT TERM
  folder=$(mktemp -d)
  new_club tour SQLite
  RUST_LOG=warn create_admin 4
  start_muster 4
  # Compiles them first, which checks their types.
  $examples run tour -- "http://$address" bench@example.org "$password"
  stop_muster
}

# clean_up_examples STATUS
clean_up_examples() {
  trap '' HUP INT TERM
  # Ctrl-C has reached it already.
  [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
  if [ "$1" != 0 ] && [ -s "$folder/err" ]; then
    echo "The server's log:" >&2
    cat "$folder/err" >&2
  fi
  rm -rf "$folder"
}
