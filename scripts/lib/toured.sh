#!/usr/bin/env bash
# Takes the tour on an empty club: runs the `sh` blocks of the README's five minutes, of docs/TOUR.md and of the guides one after
# another, and compares what they print with the block of `json` or `text` that follows. White space does not count, and `…`
# stands for anything. Where nothing follows, anything is fine but a problem. MUSTER_BIN names the program, if not target/debug/muster.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. scripts/lib/needs.sh

muster=$(realpath --canonicalize-missing "${MUSTER_BIN:-target/debug/muster}")
folder=$(mktemp -d)
server=

clean_up() {
  trap '' HUP INT TERM
  if [ -n "$server" ]; then
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" || true
  fi
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' HUP INT TERM

has_curl() { command -v curl >/dev/null; }

# As in a new terminal: nothing of this one's configuration counts.
in_club() {
  cd "$folder/club"
  exec env -i PATH="$PATH" HOME="$folder" LC_ALL=C.UTF-8 "$@"
}

start_muster() {
  mkdir -p "$folder/club/target/release"
  ln -s "$muster" "$folder/club/target/release/muster"
  (in_club MUSTER_BIND=127.0.0.1:0 RUST_LOG=warn target/release/muster) >"$folder/out" 2>"$folder/err" &
  server=$!
  until address=$(sed -n 's|^listening on http://||p' "$folder/out" 2>/dev/null) && [ -n "$address" ]; do
    kill -0 "$server" 2>/dev/null || die "muster did not start: $(cat "$folder/err")"
    sleep 0.05
  done
}

# read_blocks PAGE [HEADING]: of a page, or of the part below a heading, each block of commands becomes a file `NNN.sh`, with
# where it stands in `NNN.at` and what it is to print, if that is said, in `NNN.answer`.
blocks=0
read_blocks() {
  blocks=$(sed "s/127\.0\.0\.1:8080/$address/g" "$1" | awk -v page="$1" -v part="${2:-}" -v n="$blocks" -v into="$folder/" '
    /^## / && !fence { is_there = $0 == part }
    part && !is_there { next }
    !/^```/ { if (file) print >file; next }
    fence { fence = 0; file = ""; next }
    {
      fence = 1
      if ($0 == "```sh") { name = sprintf("%s%03d", into, ++n); file = name ".sh"; print page ":" NR >(name ".at") }
      else if (last == "```sh" && ($0 == "```json" || $0 == "```text")) file = name ".answer"
      last = $0
    }
    END { print n + 0 }')
}

# What the blocks say, as one script: words and variables of one are there in the next.
write_script() {
  local block
  for block in "$folder"/*.sh; do
    # The server of the tour is running already.
    if [ "$(cat "$block")" = scripts/run ]; then continue; fi
    block=${block%.sh}
    printf 'echo %q >%q\n{\n%s\n} >%q\n' "$block" "$folder/current" "$(cat "$block.sh")" "$block.printed"
  done
}

# is_expected PRINTED EXPECTED
is_expected() {
  local printed pattern
  printed=$(tr -d '[:space:]' <"$1")
  pattern=$(tr -d '[:space:]' <"$2" | sed 's/[][*?\\]/\\&/g; s/…/*/g')
  # shellcheck disable=SC2053 # it is a pattern
  [[ $printed == $pattern ]]
}

# is_fine BLOCK
is_fine() {
  if [ -e "$1.answer" ]; then is_expected "$1.printed" "$1.answer"; return; fi
  [ "$(grep -c '"/api/docs/problems#' "$1.printed")" = 0 ]
}

# give_up BLOCK: shows what it printed, and what the page says.
give_up() {
  printf '%s\n\nprints:\n\n%s\n' "$(cat "$1.sh")" "$(cat "$1.printed" "$folder/said")" >&2
  [ ! -e "$1.answer" ] || printf '\nand the page says:\n\n%s\n' "$(cat "$1.answer")" >&2
  printf '\n' >&2
  die "the commands at $(cat "$1.at") do not do what the page says."
}

need curl has_curl "curl is missing: apt-get install curl"
[ -x "$muster" ] || die "there is no program at $muster: cargo build --package muster, or set MUSTER_BIN."
start_muster
read_blocks README.md '## Five minutes'
read_blocks docs/TOUR.md
for guide in docs/guides/*.md; do read_blocks "$guide"; done
write_script >"$folder/tour"
ended=0
(in_club bash -e -o pipefail "$folder/tour") 2>"$folder/said" </dev/null || ended=$?
# The first that went wrong is the one to show.
for printed in "$folder"/*.printed; do
  is_fine "${printed%.printed}" || give_up "${printed%.printed}"
done
[ "$ended" = 0 ] || give_up "$(cat "$folder/current")"
echo "The tour is as it is written: $blocks blocks of commands."
