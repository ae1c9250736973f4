# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/renderowl
COPY requirements/installer.lock requirements/runtime.lock requirements/
RUN /opt/renderowl/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements/runtime.lock \
 && python -m venv /opt/builder \
 && /opt/builder/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements/installer.lock
COPY pyproject.toml README.md piccolo_conf.py ./
COPY renderowl renderowl
RUN VIRTUAL_ENV=/opt/builder /opt/builder/bin/uv build --wheel --no-build-isolation --offline --out-dir /dist . \
 && /opt/renderowl/bin/pip install --no-cache-dir --no-deps --no-index /dist/*.whl

FROM python:3.13-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --shell /usr/sbin/nologin --home-dir /var/lib/renderowl --create-home renderowl \
 && install -d -o renderowl -g renderowl /var/lib/renderowl/work
COPY --from=build /opt/renderowl /opt/renderowl
ENV PATH=/opt/renderowl/bin:$PATH PYTHONUNBUFFERED=1
USER renderowl
WORKDIR /var/lib/renderowl
EXPOSE 8080
STOPSIGNAL SIGTERM
# for `serve`, as started below; compose.yaml has others for the other commands
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('RENDEROWL_PORT', '8080')}/readyz\", timeout=3)"]
# tini reaps what a killed worker leaves behind
ENTRYPOINT ["tini", "--", "renderowl"]
CMD ["serve", "--host", "0.0.0.0"]
