# Kiosque in a container: SQLite in the volume /data, or PostgreSQL by DATABASE_URL.
#
#     docker build -t kiosque .
#     docker run --rm -p 8080:8080 kiosque serve --demo
#
# Needs BuildKit (the default since Docker 23) for the cache mounts.

ARG RUST_VERSION=1.95

FROM rust:${RUST_VERSION}-bookworm AS build
# pq-bundled speaks no TLS to PostgreSQL; pq-tls does, and builds OpenSSL (perl and make are in the image).
ARG FEATURES=pq-bundled
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --no-default-features --features "${FEATURES}" \
    && cp target/release/kiosque /usr/local/bin/kiosque

# The same Debian as above, for the same C library.
FROM debian:bookworm-slim
RUN useradd --system --user-group --uid 10001 --home-dir /data --shell /usr/sbin/nologin kiosque \
    && install -d -o kiosque -g kiosque -m 0750 /data
COPY --from=build /usr/local/bin/kiosque /usr/local/bin/kiosque
COPY --from=build /src/LICENSE-MIT /src/LICENSE-APACHE /usr/share/doc/kiosque/

ENV KIOSQUE_LISTEN=0.0.0.0:8080 \
    DATABASE_URL=sqlite:///data/kiosque.db
USER kiosque
WORKDIR /data
VOLUME /data
EXPOSE 8080

# /livez, not /readyz: a store that is still being indexed is no reason to kill the process.
# The image has no curl; bash, which every Debian has, opens the connection itself.
HEALTHCHECK --interval=15s --timeout=3s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${KIOSQUE_LISTEN##*:} && printf 'GET /livez HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r -u 3 _ status _ && [ \"$status\" = 200 ]"]

ENTRYPOINT ["kiosque"]
CMD ["serve"]
