# shellcheck shell=bash
# The program by itself, in an empty club: how it starts, reads and writes. Sourced by scripts/bench.

measure_program() {
  local round engine
  for round in $(seq "$rounds"); do
    for engine in SQLite PostgreSQL; do
      round_begins "program, round $round, $engine"
      [ "$engine" != SQLite ] || first_answer
      new_club program "$engine"
      program_figures
      drop_club program "$engine"
    done
  done
  unset DATABASE_URL
}

# From the start of the process to its first answer, on an empty folder.
first_answer() {
  local began port=$((20000 + RANDOM % 20000))
  mkdir "$folder/first"
  began=$(date +%s%N)
  MUSTER_DATA_DIR=$folder/first MUSTER_BIND=127.0.0.1:$port RUST_LOG=warn "$muster" serve >/dev/null 2>&1 &
  server=$!
  until curl --silent --fail --output /dev/null "http://127.0.0.1:$port/health/live"; do sleep 0.002; done
  echo "start to first answer, empty folder, SQLite	$((($(date +%s%N) - began) / 1000000)) ms"
  stop_muster
  rm -rf "$folder/first"
}

program_figures() {
  local at_once token
  for at_once in 1 64; do "$bench" writes --database-url "$DATABASE_URL" --at-once "$at_once"; done
  create_admin 4
  start_muster 4
  token=$(sign_in)
  # What actix-web itself does here: nobody is signed in and no database is asked.
  measure http --address "$address" --path /health/live
  local limit=$rate
  measure http --address "$address" --path /api/club --token "$token"
  ratio "GET /api/club as a part of it" "$rate" "$limit"
  measure http --address "$address" --path /api/club --token "$token" --method PATCH --body '{"name":"Club {n}"}' --connections 1
  measure http --address "$address" --path /api/club --token "$token" --method PATCH --body '{"name":"Club {n}"}'
  echo "resident memory	$(awk '/VmRSS/ {print int($2 / 1024)}' "/proc/$server/status") MiB"
  stop_muster
}
