# shellcheck shell=bash
# The books of a club: does what they cost grow with them? Sourced by scripts/bench.

# Members; each has 25 months of dues, charged and paid, which are four postings a month.
few_members=10
many_members=${BENCH_LEDGER_MEMBERS:-10000}

measure_ledger() {
  local round engine number
  for engine in SQLite PostgreSQL; do
    for number in $few_members $many_members; do
      new_club "ledger_$number" "$engine"
      "$bench" people --database-url "$DATABASE_URL" --number "$number" --password "$password" --cost 4
      "$bench" ledger --database-url "$DATABASE_URL"
      create_admin 4
      case $DATABASE_URL in postgres*) psql --quiet "$DATABASE_URL" -c 'VACUUM ANALYZE' ;; esac
    done
  done
  for round in $(seq "$rounds"); do
    for engine in SQLite PostgreSQL; do compare_books "nothing closed"; done
  done
  for engine in SQLite PostgreSQL; do
    for number in $few_members $many_members; do close_months; done
  done
  for round in $(seq "$rounds"); do
    for engine in SQLite PostgreSQL; do compare_books "months closed"; done
  done
  unset DATABASE_URL
}

# All but the last three months.
close_months() {
  local back
  use_club "ledger_$number" "$engine"
  start_muster 4
  local token
  token=$(sign_in)
  for back in $(seq 25 -1 4); do
    curl --silent --fail --output /dev/null --request POST -H "Authorization: Bearer $token" --json '{}' \
      "http://$address/api/finance/periods/$(date -d "$(date +%Y-%m-01) -$back months" +%Y-%m)/close"
  done
  stop_muster
}

compare_books() {
  local number path day
  day=$(date -d "$(date +%Y-%m-01) -6 months" +%Y-%m-%d)
  local reports=(
    '/api/finance/accounts'
    '/api/finance/reports/trial-balance'
    "/api/finance/reports/trial-balance?as_of=$day"
    '/api/finance/reports/monthly'
    '/api/finance/reports/receivables?limit=50'
    "/api/finance/reports/receivables?limit=50&as_of=$day"
    '/api/members/5/statement'
    '/api/members?sort=-debt&limit=50'
  )
  declare -A halves
  for number in $few_members $many_members; do
    round_begins "ledger, $1, round $round, $engine, $((number * 100)) postings"
    use_club "ledger_$number" "$engine"
    start_muster 4
    local token
    token=$(sign_in)
    for path in "${reports[@]}"; do
      measure http --address "$address" --path "$path" --token "$token" --connections 1 --seconds 2
      halves[$path $number]=$half
    done
    stop_muster
  done
  for path in "${reports[@]}"; do
    ratio "GET $path, $1, $((many_members * 100)) postings : $((few_members * 100))" \
      "${halves[$path $many_members]}" "${halves[$path $few_members]}"
  done
}
