# shellcheck shell=bash
# Signing in and being signed in, in a club of 1,000 people. Sourced by scripts/bench.

measure_accounts() {
  local round engine
  for engine in SQLite PostgreSQL; do
    new_club accounts "$engine"
    fill_club 1000
  done
  for round in $(seq "$rounds"); do
    for engine in SQLite PostgreSQL; do
      round_begins "accounts, round $round, $engine"
      use_club accounts "$engine"
      start_muster 12
      token=$(sign_in)
      signed_in_reads
      sign_ins
      a_crowd_signs_in
      stop_muster
    done
  done
  for engine in SQLite PostgreSQL; do drop_club accounts "$engine"; done
  unset DATABASE_URL
}

signed_in_reads() {
  local path
  for path in /api/users/me '/api/users?limit=50'; do
    measure http --address "$address" --path /health/live
    local limit=$rate
    measure http --address "$address" --path "$path" --token "$token"
    ratio "GET $path as a part of it" "$rate" "$limit"
  done
}

# Somebody signs in, and somebody else, and so on.
send_sign_ins() {
  "$bench" http --address "$address" --path /api/auth/login --method POST \
    --body "{\"email\":\"{email}\",\"password\":\"$password\"}" "$@"
}

# The server hashes with a lower priority, so the other side has to as well: else whoever shares the machine would
# slow down only one of them.
bare_hashes() {
  local line
  line=$(nice -n 10 "$bench" bcrypt --cost 12 --seconds 8)
  echo "$line"
  rate=$(cut -f 2 <<<"$line" | cut -d ' ' -f 1)
}

# Between two measurements of the bare hashes, since a machine that is shared changes meanwhile.
sign_ins() {
  local before line
  bare_hashes
  before=$rate
  line=$(send_sign_ins --connections 16 --seconds 15)
  echo "$line"
  bare_hashes
  ratio "sign-ins as a part of the mean of both" "$(cut -f 2 <<<"$line" | cut -d ' ' -f 1)" \
    "$(awk -v a="$before" -v b="$rate" 'BEGIN { print (a + b) / 2 }')"
}

# 200 sign in at once, over and over; those who would wait too long are turned away. How are the others served, before
# and meanwhile?
a_crowd_signs_in() {
  steady --seconds 5
  send_sign_ins --connections 200 --seconds 26 --bear 503 >"$folder/flood" &
  flood=$!
  sleep 3
  steady --seconds 20
  wait "$flood"
  flood=
  cat "$folder/flood"
}

steady() {
  measure http --address "$address" --path /api/users/me --token "$token" --connections 20 --rate 100 "$@"
}
