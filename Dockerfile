# The relay as an image. `docker build -t dash-relay .`
# Run it with a volume at /data: it holds the usage ledger, which must outlive the container.

FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build

FROM node:26-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8787 DATA_DIR=/data
# The package `dash-relay` as it is published. It holds all it needs: no node_modules.
COPY --from=build /app/dist/packages/server ./
RUN ln -s /app/bin.js /usr/local/bin/dash-relay
COPY scripts/container-start.sh /usr/local/bin/container-start

VOLUME /data
EXPOSE 8787
# Live streams finish after it: give `docker stop` as long as DRAIN_MS and a little more (--time 300).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Starts as root only to own the volume; the relay itself runs as `node`.
ENTRYPOINT ["container-start"]
CMD ["dash-relay", "start"]
