# One image for every role: `docker run openoutcry gateway`, `… matching`, `… bots`, `… load`, `… demo`.
#
# The base is pinned to a patch release; pin it to a digest of your own registry's copy where that is your rule
# (`docker buildx imagetools inspect python:3.11.14-slim-bookworm` tells it).
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
# `docker build --build-arg MYPYC=1` compiles the engine's core: half as fast again, the same bytes (docs/decisions/0013).
ARG MYPYC=0
# hadolint ignore=DL3008 # whichever compiler the base's Debian has; it stays in this stage
RUN if [ "$MYPYC" = 1 ]; then \
      apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*; \
    fi
# Locks of their own, parts of requirements.lock (`make lock` writes all three): no tools of ours get into the image.
COPY deploy/image.lock deploy/build.lock deploy/
RUN python3 -m venv /opt/outcry \
 && /opt/outcry/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r deploy/image.lock \
 && python3 -m venv /opt/builder \
 && /opt/builder/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r deploy/build.lock
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY shared shared
COPY services services
COPY outcry outcry
# The trading page as `make web` has built it: every replica serves one build. Without it there is none.
COPY web web
COPY clients/python clients/python
WORKDIR /build/clients/python
RUN /opt/builder/bin/python -m hatchling build -t wheel -d /build/dist
WORKDIR /build
RUN /opt/builder/bin/python -m hatchling build -t wheel -d dist \
 && /opt/outcry/bin/pip install --no-cache-dir --no-deps --no-index dist/*.whl \
 && /opt/outcry/bin/python -m compileall -q /opt/outcry/lib \
 && /opt/outcry/bin/pip uninstall --yes pip

FROM python:3.11.14-slim-bookworm
LABEL org.opencontainers.image.title="OpenOutcry" \
      org.opencontainers.image.description="A real-time exchange for a company's own people" \
      org.opencontainers.image.licenses="MIT"
# The base comes without compiled modules, and a read-only container would compile them anew at every start and check.
RUN python3 -m compileall -q -x '/(test|tests|idlelib|lib2to3|ensurepip)/' "$(python3 -c 'import os; print(os.path.dirname(os.__file__))')"
COPY --from=build /opt/outcry /opt/outcry
COPY deploy/healthcheck.py /opt/outcry/healthcheck.py
ENV PATH=/opt/outcry/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# A number, not a name: Kubernetes can then see that it is not root. Nobody owns a file here; only /tmp is written to.
USER 10001:10001
WORKDIR /tmp
# stream, health and metrics of a gateway; health and metrics of an engine
EXPOSE 8101 9101
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python3", "-I", "-S", "/opt/outcry/healthcheck.py"]
ENTRYPOINT ["outcry"]
CMD ["--help"]
