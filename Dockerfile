# docker build .                      builds from source
# docker build --target prebuilt .    packs dist/OS/ARCH[/VARIANT]/avalonhome-prometheus-exporter, built beforehand
# docker buildx build --platform linux/amd64,linux/arm64,linux/arm/v7,linux/arm/v6 .    for all machines; no emulation
#
# It needs BuildKit, which Docker has by default since 23.0 (before: DOCKER_BUILDKIT=1).

# All but the program.
FROM scratch AS base
LABEL org.opencontainers.image.title="avalonhome-prometheus-exporter" \
      org.opencontainers.image.description="Prometheus exporter for Canaan Avalon home miners" \
      org.opencontainers.image.source="https://github.com/brav0charlie/avalonhome-prometheus-exporter" \
      org.opencontainers.image.licenses="MIT"
# By number: there is no /etc/passwd, and Kubernetes can see from a number alone that it is not root.
USER 65532:65532
EXPOSE 9100
STOPSIGNAL SIGTERM
# Docker waits an interval before the first check, so a short one makes the container healthy soon. A check takes some 2 ms.
HEALTHCHECK --interval=10s --timeout=7s --start-period=5s --retries=3 \
  CMD ["/avalonhome-prometheus-exporter", "healthcheck"]
ENTRYPOINT ["/avalonhome-prometheus-exporter"]

FROM base AS prebuilt
# Set by BuildKit. A default here would win over that and give every platform the same program.
ARG TARGETPLATFORM
COPY dist/${TARGETPLATFORM}/avalonhome-prometheus-exporter /

# Runs on the building machine's own processor and compiles for the image's.
FROM --platform=$BUILDPLATFORM docker.io/library/rust:1-alpine AS build
ARG TARGETARCH
ARG TARGETVARIANT
WORKDIR /build
RUN case "$TARGETARCH$TARGETVARIANT" in \
      amd64*) target=x86_64-unknown-linux-musl ;; \
      arm64*) target=aarch64-unknown-linux-musl ;; \
      armv7) target=armv7-unknown-linux-musleabihf ;; \
      armv6) target=arm-unknown-linux-musleabihf ;; \
      *) echo "there is no recipe for $TARGETARCH$TARGETVARIANT" >&2; exit 1 ;; \
    esac; \
    echo "$target" > /target && rustup target add "$target"
# The dependencies are compiled in a layer of their own, with an empty program, and again only when they change.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && echo 'fn main() {}' > src/main.rs && : > src/lib.rs && \
    cargo build --release --locked --target "$(cat /target)" && rm -r src
COPY src src
# cargo goes by the time of change, and these files are older than the empty ones were.
RUN touch src/main.rs src/lib.rs && cargo build --release --locked --target "$(cat /target)" && \
    cp "target/$(cat /target)/release/avalonhome-prometheus-exporter" /

FROM base
COPY --from=build /avalonhome-prometheus-exporter /
