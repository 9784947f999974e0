# syntax=docker/dockerfile:1
# A worker for LiveKit rooms: `duologue worker start`, with everything it needs inside.
#
#   docker build -t duologue .
#   docker run --rm -e LIVEKIT_URL=ws://host:7880 -e LIVEKIT_API_KEY=… -e LIVEKIT_API_SECRET=… duologue
#
# Everything is fetched while the image is built: a container needs no network but its LiveKit server (and
# a language model's, if one is configured). docs/deployment.md tells more.

# ---- the program
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --features room --bin duologue \
    && strip target/release/duologue

# ---- engines and models, pinned by hash in the program
FROM debian:bookworm-slim AS fetch
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-pip \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/duologue /usr/local/bin/duologue
ENV DUOLOGUE_CACHE=/opt/duologue
RUN duologue fetch && DUOLOGUE_OFFLINE=1 duologue doctor

# ---- what runs
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin duologue
COPY --from=build /src/target/release/duologue /usr/local/bin/duologue
COPY --from=fetch /opt/duologue /opt/duologue
ENV DUOLOGUE_CACHE=/opt/duologue \
    DUOLOGUE_OFFLINE=1
USER 10001
WORKDIR /etc/duologue
EXPOSE 8081
# The worker drains at SIGTERM, which is also what `docker stop` sends; give it time: `docker stop -t 3600`.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/duologue"]
CMD ["worker", "start"]
