# Makes a CycloneDX document of what `cargo metadata` says. $linked has a line `NAME@VERSION` for each crate that is in the
# program, $hashes a line `NAME@VERSION HASH`; $root is the name of the program, and $seconds when its commit was made.

def name_and_version: "\(.name)@\(.version)";
# Crates of ours are in no registry, where somebody else's may have their names.
def url: "pkg:cargo/\(.name)@\(.version | @uri)";
def ref: if .source then url else name_and_version end;

($linked | split("\n") | map({key: ., value: true}) | from_entries) as $linked
| ($hashes | split("\n") | map(split(" ") | {key: (.[0] // ""), value: .[1]}) | from_entries) as $hashes
| [.packages[] | select($linked[name_and_version])] as $packages
| ($packages | map({key: .id, value: ref}) | from_entries) as $refs

| def component(type): {
    type: type,
    "bom-ref": ref,
    name,
    version,
    description: (.description // "" | gsub("\\s+"; " ") | ltrimstr(" ") | rtrimstr(" "))
  }
  + if .source then { purl: url } else {} end
  + if .license then { licenses: [{ expression: (.license | gsub("\\s*/\\s*"; " OR ")) }] } else {} end
  + if $hashes[name_and_version] then { hashes: [{ alg: "SHA-256", content: $hashes[name_and_version] }] } else {} end;

{
  bomFormat: "CycloneDX",
  specVersion: "1.5",
  version: 1,
  metadata: {
    timestamp: ($seconds | todate),
    component: ($packages[] | select(.name == $root) | component("application"))
  },
  components: [$packages[] | select(.name != $root) | component("library")] | sort_by(.["bom-ref"]),
  dependencies: [
    .resolve.nodes[] | select($refs[.id]) | {
      ref: $refs[.id],
      dependsOn: [.deps[] | select(any(.dep_kinds[]; .kind == null)) | $refs[.pkg] // empty] | unique
    }
  ] | sort_by(.ref)
}
