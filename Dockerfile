# syntax=docker/dockerfile:1
# The server as an image: built in one stage, run in another as an unprivileged user on a read-only root.

FROM rust:1.95-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends clang libclang-dev cmake pkg-config libssl-dev libkrb5-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src ./src
# What the pages, their style and their languages are compiled from.
COPY templates ./templates
RUN cargo build --release --locked --bin chancery

FROM debian:bookworm-slim
# No gss-ntlmssp here, ever: a registered NTLM mechanism would put its parser before unauthenticated input.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libssl3 libgssapi-krb5-2 ca-certificates \
 && rm -rf /var/lib/apt/lists/* /etc/gss/mech.d \
 && groupadd --gid 10001 chancery \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin chancery
COPY --from=build /src/target/release/chancery /usr/local/bin/chancery
USER 10001:10001
EXPOSE 8443 8080 49443
ENTRYPOINT []
CMD ["chancery", "serve", "--config", "/etc/chancery/chancery.toml"]
