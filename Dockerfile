# A static program, the certificates it trusts, and a directory it may write to: nothing else.
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
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/aftercare ./cmd/aftercare
# An empty directory to copy: FROM scratch has no mkdir, and a volume takes its owner from here.
RUN mkdir -m 0700 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/aftercare /aftercare
COPY --from=build --chown=65532:65532 /out/data /data
# A number, not a name: there is no /etc/passwd to look one up in.
USER 65532:65532
# Also where config.yaml is looked for, and where SQLite puts what is temporary.
WORKDIR /data
VOLUME /data
ENTRYPOINT ["/aftercare"]
CMD ["run"]
