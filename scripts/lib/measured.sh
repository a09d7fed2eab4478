# shellcheck shell=bash
# What all measurements need: a club of one's own, its server, somebody signed in, and ratios. Sourced by scripts/bench and
# by examples.sh, which set $muster, $folder and $server; the measurements need $bench as well.
# shellcheck disable=SC2034,SC2154 # who sources this sets and reads variables

password='a password for benches'

# new_club NAME ENGINE: an empty one. Sets $data and exports $DATABASE_URL.
new_club() {
  data=$folder/$1-$2
  mkdir "$data"
  if [ "$2" = PostgreSQL ]; then
    psql --quiet "$MUSTER_TEST_POSTGRES" -c "CREATE DATABASE $1"
  fi
  use_club "$@"
}

use_club() {
  data=$folder/$1-$2
  if [ "$2" = PostgreSQL ]; then
    export DATABASE_URL=${MUSTER_TEST_POSTGRES/\/postgres\?//$1?}
  else
    export DATABASE_URL=sqlite://$data/muster.db
  fi
}

drop_club() {
  rm -rf "$folder/$1-$2"
  if [ "$2" = PostgreSQL ]; then psql --quiet "$MUSTER_TEST_POSTGRES" -c "DROP DATABASE $1"; fi
}

# create_admin COST
create_admin() {
  MUSTER_DATA_DIR=$data MUSTER_BCRYPT_COST=$1 "$muster" create-admin --email bench@example.org --password-stdin \
    <<<"$password" >/dev/null
}

# fill_club NUMBER: with so many people, all with this password, and its admin.
fill_club() {
  "$bench" people --database-url "$DATABASE_URL" --number "$1" --password "$password" --cost 12
  create_admin 12
  # As a club is that was not made all at once: PostgreSQL does this by itself, but later.
  case $DATABASE_URL in postgres*) psql --quiet "$DATABASE_URL" -c 'VACUUM ANALYZE' ;; esac
}

# start_muster COST: prints nothing, sets $server and $address.
start_muster() {
  rm -f "$folder/out"
  MUSTER_DATA_DIR=$data MUSTER_BIND=127.0.0.1:0 MUSTER_RATE_LIMITS=off MUSTER_BCRYPT_COST=$1 RUST_LOG=warn \
    "$muster" serve >"$folder/out" 2>"$folder/err" &
  server=$!
  until address=$(sed -n 's|^listening on http://||p' "$folder/out" 2>/dev/null) && [ -n "$address" ]; do
    kill -0 "$server" 2>/dev/null || die "muster did not start: $(cat "$folder/err")"
    sleep 0.05
  done
}

stop_muster() {
  kill -TERM "$server"
  wait "$server" || true
  server=
}

# sign_in [EMAIL]: the access token of the admin, or of whoever has this address.
sign_in() {
  local email=${1:-bench@example.org}
  curl --silent --fail "http://$address/api/auth/login" --json "{\"email\":\"$email\",\"password\":\"$password\"}" |
    sed 's/.*"access_token":"\([^"]*\)".*/\1/'
}

# measure ARGUMENTS…: prints the line of muster-bench, and sets $rate (a second) and $half (the median, in µs).
measure() {
  local line
  line=$("$bench" "$@")
  echo "$line"
  rate=$(cut -f 2 <<<"$line" | cut -d ' ' -f 1)
  half=$(cut -f 3 <<<"$line" | cut -d ' ' -f 2)
}

# ratio WHAT A B
ratio() {
  awk -v what="$1" -v a="$2" -v b="$3" 'BEGIN { printf "%s\t%.2f\n", what, a / b }'
}

round_begins() {
  echo "== $*, load $(cut -d ' ' -f 1 /proc/loadavg)"
}
