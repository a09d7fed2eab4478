# shellcheck shell=bash
# The timetable and bookings: how many a second, and does what they cost grow with the club? Sourced by scripts/bench.

bookers=5000
# Classes of a club with few bookings and one with many; each class has a hundred.
few_classes=${BENCH_FEW_CLASSES:-100}
many_classes=${BENCH_MANY_CLASSES:-10000}

measure_classes() {
  local round engine number
  for engine in SQLite PostgreSQL; do
    for round in $(seq "$rounds"); do book_a_club_out; done
    for number in $few_classes $many_classes; do
      new_club "classes_$number" "$engine"
      "$bench" people --database-url "$DATABASE_URL" --number "$bookers" --password "$password" --cost 4
      "$bench" classes --database-url "$DATABASE_URL" --number "$number" --bookings 100
      create_admin 4
      case $DATABASE_URL in postgres*) psql --quiet "$DATABASE_URL" -c 'VACUUM ANALYZE' ;; esac
    done
  done
  for round in $(seq "$rounds"); do
    for engine in SQLite PostgreSQL; do compare_timetables; done
  done
  unset DATABASE_URL
}

# Distinct members over a hundred classes, in a new club each time.
book_a_club_out() {
  round_begins "bookings, round $round, $engine"
  new_club "bookings_$round" "$engine"
  "$bench" people --database-url "$DATABASE_URL" --number "$bookers" --password "$password" --cost 4 >/dev/null
  "$bench" classes --database-url "$DATABASE_URL" --number 100 >/dev/null
  create_admin 4
  case $DATABASE_URL in postgres*) psql --quiet "$DATABASE_URL" -c 'VACUUM ANALYZE' ;; esac
  start_muster 4
  local token limit member
  token=$(sign_in)
  # The timetable as a member sees it: who has a place is for staff.
  member=$(sign_in "$(curl --silent --fail --oauth2-bearer "$token" "http://$address/api/users/1" |
    sed 's/.*"email":"\([^"]*\)".*/\1/')")
  measure http --address "$address" --path /health/live --connections 64 --seconds 3
  limit=$rate
  measure http --address "$address" --path '/api/classes?limit=50' --token "$member" --connections 64 --seconds 5
  ratio "GET /api/classes (50) : limit, $engine" "$rate" "$limit"
  measure http --address "$address" --method POST --path '/api/classes/{class}/bookings' --keys --token "$token" \
    --body '{"member_id":{member}}' --people "$bookers" --classes 100 --connections 64 --seconds 5
  ratio "POST bookings : limit, $engine" "$rate" "$limit"
  stop_muster
  drop_club "bookings_$round" "$engine"
}

compare_timetables() {
  local number path today
  today=$(date -u +%Y-%m-%d)
  local asked=(
    '/api/classes?limit=50'
    '/api/classes?limit=50&coach_id=16'
    '/api/classes?limit=50&available=true'
    '/api/classes?limit=50&mine=true'
    "/api/classes?limit=50&from=$today&to=$today"
    '/api/bookings?limit=50'
    '/api/bookings?limit=50&member_id=77'
    '/api/bookings?limit=50&status=waitlisted'
  )
  declare -A halves
  for number in $few_classes $many_classes; do
    round_begins "timetable, round $round, $engine, $((number * 100)) bookings"
    use_club "classes_$number" "$engine"
    start_muster 4
    local token
    token=$(sign_in)
    for path in "${asked[@]}"; do
      measure http --address "$address" --path "$path" --token "$token" --connections 1 --seconds 2
      halves[$path $number]=$half
    done
    stop_muster
  done
  for path in "${asked[@]}"; do
    ratio "GET $path, $((many_classes * 100)) bookings : $((few_classes * 100))" \
      "${halves[$path $many_classes]}" "${halves[$path $few_classes]}"
  done
}
