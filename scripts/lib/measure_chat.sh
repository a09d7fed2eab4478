# shellcheck shell=bash
# Sockets: how many messages reach how many, how soon, and what an idle socket costs. Sourced by scripts/bench.

measure_chat() {
  local round engine
  for engine in SQLite PostgreSQL; do
    for round in $(seq "$rounds"); do talk_in_a_club; done
  done
  unset DATABASE_URL
}

talk_in_a_club() {
  round_begins "chat, round $round, $engine"
  new_club "chat_$round" "$engine"
  "$bench" people --database-url "$DATABASE_URL" --number 1000 --password "$password" --cost 4 >/dev/null
  create_admin 4
  case $DATABASE_URL in postgres*) psql --quiet "$DATABASE_URL" -c 'VACUUM ANALYZE' ;; esac
  start_muster 4
  token=$(sign_in)
  idle_sockets
  local told sent
  told=$("$bench" chat --address "$address" --password "$password" --token "$token" --sockets 1000 --senders 40)
  echo "$told"
  # At half of that, as nobody does better than they can.
  sent=$(sed -n 's|^send → ack.*\t\([0-9]*\).* /s\tp50.*|\1|p' <<<"$told")
  "$bench" chat --address "$address" --password "$password" --token "$token" --sockets 1000 --senders 40 --rate $((sent / 2 + 1))
  "$bench" chat --address "$address" --password "$password" --token "$token" --sockets 150 --senders 150 --rate 500
  stop_muster
  drop_club "chat_$round" "$engine"
}

resident() { awk '/^VmRSS/ { print $2 }' "/proc/$server/status"; }

# What 10,000 sockets cost that only listen, and how long all of them take to come back and catch up.
idle_sockets() {
  local before holding
  before=$(resident)
  mkfifo "$folder/hold"
  "$bench" chat --address "$address" --password "$password" --token "$token" --sockets 10000 --senders 0 --hold \
    <"$folder/hold" >"$folder/held" &
  holding=$!
  flood=$holding
  exec 9>"$folder/hold"
  until grep -q opened "$folder/held"; do
    kill -0 "$holding" || die "the sockets could not be opened"
    sleep 0.2
  done
  cat "$folder/held"
  # The allocator and the kernel settle.
  sleep 2
  awk -v before="$before" -v after="$(resident)" \
    'BEGIN { printf "resident memory\t%d KiB before, %d KiB with 10000 sockets, %.1f KiB each\n", before, after, (after - before) / 10000 }'
  exec 9>&-
  wait "$holding" || true
  flood=
  rm "$folder/hold"
}
