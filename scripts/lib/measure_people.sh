# shellcheck shell=bash
# Lists and searches of people: does their cost grow with the club? Sourced by scripts/bench.

few=1000
many=${BENCH_PEOPLE:-1000000}
# A cursor like one that a page in the middle gave: half of the names come before it.
middle=$(printf '{"l":"users:name","k":["lange anna",0]}' | basenc --base64url --wrap=0 | tr -d =)

# Eight are called Quaglio however many there are, and one in ten begins as Schmidt does.
lists=(
  '/api/users?limit=50'
  "/api/users?limit=50&cursor=$middle"
  '/api/users?limit=50&q=quag'
  '/api/users?limit=50&q=sch'
  '/api/users?limit=50&q=sch+an'
  '/api/users?limit=50&q=ma+quag'
  '/api/users?limit=50&role=coach'
)

measure_people() {
  local round engine
  for engine in SQLite PostgreSQL; do
    for number in $few $many; do
      new_club "people_$number" "$engine"
      fill_club "$number"
    done
  done
  for round in $(seq "$rounds"); do
    for engine in SQLite PostgreSQL; do compare_clubs; done
  done
  unset DATABASE_URL
}

# With one connection at a time, each list takes as long as its queries and the way there and back.
compare_clubs() {
  local number path
  declare -A halves
  for number in $few $many; do
    round_begins "people, round $round, $engine, $number people"
    use_club "people_$number" "$engine"
    start_muster 12
    local token
    token=$(sign_in)
    for path in "${lists[@]}"; do
      measure http --address "$address" --path "$path" --token "$token" --connections 1 --seconds 3
      halves[$path $number]=$half
    done
    stop_muster
  done
  for path in "${lists[@]}"; do
    ratio "GET $path, $many people : $few" "${halves[$path $many]}" "${halves[$path $few]}"
  done
}
