# Muster in a container: docker build --tag muster .
# It takes BuildKit, which Docker uses by itself since version 23, or Podman, which keeps the health check with
# `--format docker`. docs/OPERATIONS.md, "In containers", says how to run it.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends build-essential libssl-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /muster
COPY . .
# What was downloaded and compiled before stays in the builder's cache, and cargo knows what of it still holds, so no
# list of crates is kept here that could grow old. Cargo goes by dates, and files out of an archive may be older than
# what was compiled from others: hence the touch, by which our own crates are always compiled anew.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/muster/target,sharing=locked \
    find . -path ./target -prune -o -type f -exec touch {} + \
 && cargo build --release --locked --package muster \
 && strip --strip-all -o /usr/local/bin/muster target/release/muster

# `muster backup` and `muster restore` on PostgreSQL call these two. Their package would bring 60 MB with it, most of it Perl.
FROM debian:12-slim AS postgres-tools
WORKDIR /package
RUN apt-get update \
 && apt-get download postgresql-client-15 \
 && dpkg --extract postgresql-client-15_*.deb . \
 && cp usr/lib/postgresql/15/bin/pg_dump usr/lib/postgresql/15/bin/pg_restore /usr/local/bin/

FROM debian:12-slim
LABEL org.opencontainers.image.title="Muster" \
      org.opencontainers.image.description="A backend for clubs" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# OpenSSL is all that Muster itself links; libpq is for the two tools.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libpq5 libssl3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin muster \
 && install --directory --owner muster --group muster --mode 0700 /data
COPY --from=postgres-tools /usr/local/bin/pg_dump /usr/local/bin/pg_restore /usr/local/bin/
COPY --from=build /usr/local/bin/muster /usr/local/bin/

# By number, so that an orchestrator can tell that it is not root.
USER 10001:10001
# The one place that is written to; a file `.env` in it is read as well.
WORKDIR /data
VOLUME /data
ENV MUSTER_BIND=0.0.0.0:8080 \
    MUSTER_DATA_DIR=/data
EXPOSE 8080

# Bash by itself, since there is no other client here.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${MUSTER_BIND##*:} && printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
# Without a shell in between, which would keep signals to itself.
ENTRYPOINT ["muster"]
CMD ["serve"]
