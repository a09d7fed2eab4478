# shellcheck shell=bash
# What a release is made of. Sourced by scripts/release, after needs.sh.

# What may be asked of a system: its C library, the compiler's, and OpenSSL, which libpq links. All else is in the program.
expected_libraries='ld-linux-.*|libc\.so\.6|libm\.so\.6|libgcc_s\.so\.1|libssl\.so\.3|libcrypto\.so\.3'

has_jq() { command -v jq >/dev/null; }

version_of() { cargo pkgid --package "$1" | sed 's/.*[#@]//'; }

# The program names source files when it panics; where those were on this machine is nobody's business, and would make
# two builds of one commit differ.
build() {
  local cargo_home=${CARGO_HOME:-$HOME/.cargo}
  # With \x1f between them, since folders may have spaces in their names.
  CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=$PWD=muster"$'\x1f'"--remap-path-prefix=$cargo_home=cargo" \
    cargo build --release --locked --package muster
}

links_what_is_expected() {
  local others
  others=$(objdump --private-headers "$1" | awk '$1 == "NEEDED" { print $2 }' | grep -vxE "$expected_libraries" || true)
  [ -z "$others" ] || die "$1 needs libraries that no release should: ${others//$'\n'/, }"
}

newest_glibc() { objdump --dynamic-syms "$1" | grep -o 'GLIBC_[0-9.]*' | sort --version-sort --unique | sed -n '$s/GLIBC_//p'; }

# add_committed_files FOLDER: of what is not there, such as a changelog before the first release, nothing is said.
add_committed_files() {
  git ls-files -z -- README.md 'LICENSE-*' CHANGELOG.md .env.example deploy docs/OPERATIONS.md |
    xargs -0 git archive --format=tar HEAD -- | tar --extract --directory "$1"
}

# pack FOLDER NAME SECONDS: without anything that differs from one machine or minute to the next.
pack() {
  tar --create --directory "$1" --format=ustar --sort=name --mtime="@$3" --owner=0 --group=0 --numeric-owner \
    --mode='u=rwX,go=rX' "$2" | gzip --best --no-name
}

# bill_of_materials PACKAGE SECONDS: the crates that are linked into it, and which of them asks for which. `cargo tree`
# knows what is linked with the features that are on, `cargo metadata` the rest, and Cargo.lock the hashes.
bill_of_materials() {
  local host linked
  host=$(rustc -vV | sed -n 's/^host: //p')
  # Before the other, and not beside it: each waits for the other's lock.
  linked=$(cargo tree --locked --package "$1" --target "$host" --edges normal,no-proc-macro --prefix none |
    sed 's/ v/@/; s/ .*//' | sort --unique)
  cargo metadata --locked --format-version 1 --filter-platform "$host" | jq --sort-keys \
    --arg root "$1" --argjson seconds "$2" --rawfile linked <(echo "$linked") \
    --rawfile hashes <(awk -F '"' '/^name/ { n = $2 } /^version/ { v = $2 } /^checksum/ { print n "@" v, $2 }' Cargo.lock) \
    --from-file scripts/lib/bill_of_materials.jq
}
