# shellcheck shell=bash
# Has the programs that operators give our files to look at them, as far as they are installed. Sourced by scripts/check,
# for its `step`.

check_deployed() {
  # What the files name, and what is not on every machine, is put here in their stead.
  scratch=target/check-deployed
  rm -rf "$scratch"
  mkdir -p "$scratch"
  with systemd-analyze deploy/muster.service unit_is_good
  with nginx deploy/nginx.conf nginx_reads_it
  with caddy deploy/Caddyfile caddy_reads_it
  if docker compose version >/dev/null 2>&1; then
    step docker compose --file compose.yaml --profile two config --quiet
  else
    with docker-compose compose.yaml compose_reads_it
  fi
}

# with PROGRAM FILE FUNCTION
with() {
  if command -v "$1" >/dev/null; then
    step "$3"
  else
    echo "$1 is not installed: $2 was not checked."
  fi
}

# The threshold is ten times what it shows at its end, where 0 is locked up and 10 is open. It was 1.2; other versions of
# systemd may count a little differently.
unit_is_good() {
  sed 's|/usr/local/bin/muster|/usr/bin/env|' deploy/muster.service >"$scratch/muster.service"
  local said
  # Of a word that it does not know it only warns.
  said=$(systemd-analyze verify "$scratch/muster.service" 2>&1 || echo "it is refused")
  [ -z "$said" ] || die "deploy/muster.service: $said"
  systemd-analyze security --offline=yes --threshold=15 "$scratch/muster.service" >"$scratch/security" ||
    die "deploy/muster.service is open to more than it was: $(tail -n 1 "$scratch/security")"
}

nginx_reads_it() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=club.example \
    -keyout "$scratch/privkey.pem" -out "$scratch/fullchain.pem" 2>/dev/null
  # Ports below 1024 are root's.
  sed -E "s|/etc/ssl/club.example|$PWD/$scratch|; s/(listen ([^ ;]*:)?)(80|443)/\110\3/" deploy/nginx.conf >"$scratch/site.conf"
  echo "pid $PWD/$scratch/pid; error_log stderr; events {} http { access_log off; include $PWD/$scratch/site.conf; }" \
    >"$scratch/nginx.conf"
  nginx -t -q -e stderr -c "$PWD/$scratch/nginx.conf"
}

caddy_reads_it() {
  XDG_DATA_HOME=$PWD/$scratch XDG_CONFIG_HOME=$PWD/$scratch \
    caddy validate --adapter caddyfile --config deploy/Caddyfile >"$scratch/caddy" 2>&1 || die "$(tail -n 1 "$scratch/caddy")"
}

compose_reads_it() { docker-compose --file compose.yaml --profile two config --quiet; }
