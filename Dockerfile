# A static program, the certificates it trusts, and two directories it may write to: nothing else.
#
#   docker build -t aftercare .        (or: buildah build -t aftercare .)
#   docker run -v aftercare:/data -e AFTERCARE_DISCORD_TOKEN -e AFTERCARE_STORE_KEY \
#              -e AFTERCARE_OPERATOR_NAME aftercare

FROM docker.io/library/golang:1.26 AS build
WORKDIR /src
# The modules first: they stay in the cache while only the source changes.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# What `aftercare version` says: --build-arg VERSION=v1.2.3
ARG VERSION
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.built=${VERSION}" -o /out/aftercare ./cmd/aftercare
# FROM scratch has no mkdir. A volume takes its owner and mode from /data; the demo needs a /tmp.
RUN install -d -m 0700 -o 65532 -g 65532 /out/data && install -d -m 1777 /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# All of it at once: a directory that is itself what is copied loses its mode.
COPY --from=build /out/ /
# A number, not a name: there is no /etc/passwd to look one up in.
USER 65532:65532
# Also where config.yaml is looked for.
WORKDIR /data
VOLUME /data
# For the health check, and for this container alone. It wins over http.listen in a file.
ENV AFTERCARE_HTTP_LISTEN=127.0.0.1:9464
HEALTHCHECK --interval=30s --timeout=10s --start-period=1m CMD ["/aftercare", "health"]
ENTRYPOINT ["/aftercare"]
CMD ["run"]
