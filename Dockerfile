# The base is Debian 12 by its own name, so that any registry, or an image built at hand, can serve it.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3=3.11.* python3-venv=3.11.* \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements.lock requirements-build.lock ./
RUN python3 -m venv /opt/psoas \
    && python3 -m venv /opt/build \
    && /opt/psoas/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
    && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY api ./api
COPY rules ./rules
COPY openapi/examples ./openapi/examples
COPY docs ./docs
COPY examples/mappings ./examples/mappings
RUN /opt/build/bin/hatchling build -t wheel -d /build/dist \
    && /opt/psoas/bin/pip install --no-cache-dir --no-deps /build/dist/*.whl \
    && /opt/psoas/bin/pip uninstall --quiet --yes setuptools pip \
    && /opt/psoas/bin/python -m compileall -q -f --invalidation-mode unchecked-hash /opt/psoas/lib

FROM ${BASE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3=3.11.* \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin psoas \
    && install -d -o 10001 -m 700 /data
COPY --from=build /opt/psoas /opt/psoas
ENV PATH=/opt/psoas/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PSOAS_HOST=0.0.0.0 \
    PSOAS_DATA_DIR=/data
VOLUME /data
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s \
    CMD ["python3", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open(f'http://127.0.0.1:{os.environ.get(\"PSOAS_PORT\", \"8000\")}/readyz', timeout=2)"]
ENTRYPOINT ["psoas"]
CMD ["serve"]
