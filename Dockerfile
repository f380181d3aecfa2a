# Builds with nothing but this folder, the base image and the npm registry; the classic builder will do.

FROM node:24-bookworm-slim AS build
WORKDIR /build
# Where packages come from, for who has a registry of their own.
ARG NPM_CONFIG_REGISTRY
COPY package.json package-lock.json ./
# No package needs its install script: bcrypt brings its binaries, and Node is in the base image.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json

FROM node:24-bookworm-slim AS dependencies
WORKDIR /build
ARG NPM_CONFIG_REGISTRY
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
# FAIRLEAD_IMAGE: data in /var/lib/registry, configuration where registry:3 and registry:2 have theirs.
ENV NODE_ENV=production FAIRLEAD_IMAGE=1
WORKDIR /opt/fairlead
COPY --from=dependencies /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json LICENSE ./
COPY bin bin
COPY config config
# The names under which the images of distribution are called: "registry serve …", "/entrypoint.sh FILE".
RUN ln -s /opt/fairlead/bin/fairlead.js /usr/local/bin/fairlead \
 && ln -s /opt/fairlead/bin/fairlead.js /bin/registry \
 && ln -s /opt/fairlead/bin/fairlead.js /entrypoint.sh \
 && mkdir -p /var/lib/registry /etc/distribution /etc/docker/registry
# As root, like registry:2 and registry:3: their volumes belong to root. "--user" works on a volume of that user's.
VOLUME /var/lib/registry
EXPOSE 5000
WORKDIR /
ENTRYPOINT ["fairlead"]
CMD ["serve"]
