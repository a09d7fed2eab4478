# shellcheck shell=bash
# What a machine needs, and the one sentence that says what is missing. Sourced by the scripts.

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# need "PACKAGE…" CHECK SENTENCE: root on a Debian gets the packages installed, anybody else reads the sentence.
need() {
  local packages=$1 check=$2 sentence=$3
  "$check" && return
  if [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; then
    echo "Installing with apt-get: $packages" >&2
    # shellcheck disable=SC2086 # one word a package
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends $packages; } >&2 ||
      die "apt-get could not install $packages."
    "$check" && return
  fi
  die "$sentence"
}

need_build_tools() {
  # A shell opened before rustup was installed does not have it on its PATH yet.
  PATH=$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin
  command -v cargo >/dev/null || die "Rust is missing: install it with rustup (https://rustup.rs)."
  need "build-essential pkg-config libssl-dev" can_build \
    "The build needs a C compiler, pkg-config and OpenSSL's headers: apt-get install build-essential pkg-config libssl-dev (elsewhere the same three, or OPENSSL_DIR)."
}

# SQLite, libpq and aws-lc are compiled from source they bring along; OpenSSL is what libpq links.
can_build() {
  command -v cc || return
  [ -n "${OPENSSL_DIR:-}" ] || pkg-config --exists openssl
} >/dev/null 2>&1
