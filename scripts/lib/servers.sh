# shellcheck shell=bash
# Throw-away servers for one test run, reachable only through sockets in a directory only their owner can enter:
# no port can clash, and nothing is left when they stop. Sourced after needs.sh.

servers= # their directory, once there is one

make_directory() {
  [ -z "$servers" ] || return 0
  # Not in $TMPDIR: the path of a socket may not be longer than about 100 characters.
  servers=$(mktemp -d /tmp/muster-test.XXXXXX)
  if [ "$(id -u)" = 0 ]; then
    # PostgreSQL refuses to run as root.
    owner=postgres
    id "$owner" >/dev/null 2>&1 || owner=nobody
    chown "$owner" "$servers"
  fi
}

# Becomes the command, as the directory's owner and inside it (the owner may not be allowed where we are).
become() {
  cd "$servers" || exit
  [ "$(id -u)" != 0 ] || set -- setpriv --reuid="$(id -u "$owner")" --regid="$(id -g "$owner")" --init-groups "$@"
  exec "$@"
}

# start_server NAME COMMAND…: returns when the server's log says that it is ready.
start_server() {
  local name=$1 log=$servers/$1.log
  shift
  # A process group of its own, or Ctrl-C would stop the server while tests still use it.
  set -m
  become "$@" >"$log" 2>&1 </dev/null &
  set +m
  for _ in {1..300}; do
    if grep -qs 'eady to accept connections' "$log"; then return; fi
    kill -0 "$!" 2>/dev/null || break
    sleep 0.1
  done
  die_with_log "$name"
}

die_with_log() {
  tail -n 20 "$servers/$1.log" >&2
  die "$1 did not start; its log ends above."
}

# Bash's own list of jobs is asked, since a signal may come before a variable could take a process's number.
stop_servers() {
  local job
  for job in $(jobs -p); do
    # SIGINT: PostgreSQL and Redis then stop at once, whoever is still connected.
    kill -INT -- "-$job" 2>/dev/null || true
    wait "$job" 2>/dev/null || true
  done
  [ -z "$servers" ] || rm -rf "$servers"
}

find_postgres() {
  local initdb
  initdb=$(command -v initdb || printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
  postgres_bin=${initdb%/*}
  [ -x "$postgres_bin/initdb" ] && [ -x "$postgres_bin/postgres" ]
}

# Debian's package also makes a cluster of its own; it is left alone and not used.
start_postgres() {
  need postgresql find_postgres \
    "PostgreSQL's server is missing: apt-get install postgresql, or put initdb and postgres on the PATH, or set MUSTER_TEST_POSTGRES to a server's URL."
  make_directory
  echo "Starting a throw-away $("$postgres_bin/postgres" --version) in $servers"
  (become "$postgres_bin/initdb" --pgdata=postgres --username=muster --auth=trust \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync) >"$servers/initdb.log" 2>&1 || die_with_log initdb
  # Nothing here outlives the run, so nothing waits for the disk, unless that is what is measured.
  # Each test has its own database and connections.
  local durable=${postgres_durability:-off}
  start_server postgres "$postgres_bin/postgres" -D postgres -k "$servers" -c listen_addresses= \
    -c fsync="$durable" -c synchronous_commit="$durable" -c full_page_writes="$durable" -c shared_buffers=128MB -c max_connections=300
  # Backups on PostgreSQL are made by its own tools.
  export PATH=$PATH:$postgres_bin
  export MUSTER_TEST_POSTGRES="postgres://muster@/postgres?host=${servers//\//%2F}"
}

find_redis() { command -v redis-server >/dev/null; }

start_redis() {
  need redis-server find_redis \
    "Redis is missing: apt-get install redis-server, or set MUSTER_TEST_REDIS to a server's URL."
  make_directory
  echo "Starting a throw-away Redis in $servers"
  start_server redis redis-server --port 0 --unixsocket "$servers/redis.sock" --save '' --appendonly no
  export MUSTER_TEST_REDIS="redis+unix://$servers/redis.sock"
}
