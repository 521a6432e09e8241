# syntax=docker/dockerfile:1
# Targets: `cpu` (default) and `cuda`. Build with: docker build [--target cuda] -t darkroom .
# PIP_EXTRA_INDEX_URL may name an index with CPU builds of torch and torchvision: the image is then 4 GB smaller.

FROM python:3.12-slim-bookworm AS base
ARG PIP_EXTRA_INDEX_URL=
# Extras of pyproject.toml; `classify`, `moderation`, `ocr`, `parquet` and `metadata` are others that may be wanted.
ARG EXTRAS="openvino s3 otel sentry"
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# OpenCV wants libGL and glib; jemalloc keeps long-running renderers from fragmenting memory. The fonts (170 MB) are for
# text in all scripts and in the usual families of the web.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 libjemalloc2 ca-certificates \
      fonts-liberation2 fonts-dejavu-core fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji \
      fonts-crosextra-carlito fonts-crosextra-caladea fonts-open-sans fonts-roboto-unhinted fonts-lato \
      fonts-comic-neue \
 && rm -rf /var/lib/apt/lists/* \
 && ln -s "$(find /usr/lib -name 'libjemalloc.so.2' | head -n 1)" /usr/local/lib/libjemalloc.so.2
WORKDIR /app
# Dependencies first: they change less often than the code.
COPY pyproject.toml README.md LICENSE ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; print('\n'.join(p['dependencies'] + [r for extra in '${EXTRAS}'.split() for r in p['optional-dependencies'][extra]]))" > /tmp/requirements.txt \
 && pip install -r /tmp/requirements.txt
COPY transforms transforms
COPY detectors detectors
COPY cache cache
COPY server server
RUN pip install --no-deps . \
 && useradd --system --uid 10001 --create-home darkroom \
 && mkdir -p /media /models && chown darkroom /models
USER darkroom
ENV LD_PRELOAD=/usr/local/lib/libjemalloc.so.2 \
    DARKROOM_HOST=0.0.0.0 \
    DARKROOM_PORT=8080 \
    DARKROOM_MODELS=/models \
    DARKROOM_LOG_FORMAT=json
VOLUME ["/models"]
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["darkroom", "health"]
# It listens on every address of the container, and so refuses to start until DARKROOM_UNSIGNED=1 says that something
# in front of it decides who may ask.
CMD ["darkroom", "serve"]

FROM base AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility DARKROOM_DEVICE=cuda

FROM base AS cpu
ENV DARKROOM_DEVICE=cpu
