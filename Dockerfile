# The product without embedded servers: PostgreSQL with pgvector and Redis come from outside (compose.yaml).
# Every command of the image is one process: prepare, web, media, engine, worker, beat.
FROM python:3.11-slim-bookworm AS build
ENV UV_PROJECT_ENVIRONMENT=/opt/deskbell UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /app
RUN pip install --no-cache-dir uv==0.13.8
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-build --no-default-groups --group engine
COPY package.json package-lock.json ./
COPY tools ./tools
COPY static ./static
# Node for this step alone, into an environment that is left behind.
RUN uv venv /tmp/node \
    && UV_PROJECT_ENVIRONMENT=/tmp/node uv sync --frozen --no-build --only-group web \
    && PATH="/tmp/node/bin:${PATH}" /tmp/node/bin/python tools/web.py \
    && rm -rf node_modules
COPY . .
RUN STATIC_ROOT=/app/staticfiles /opt/deskbell/bin/python manage.py collectstatic --no-input --verbosity 0

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/deskbell deskbell
COPY --from=build /opt/deskbell /opt/deskbell
COPY --from=build /app /app
ENV PATH="/opt/deskbell/bin:${PATH}" \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DESKBELL_VAR=/var/lib/deskbell \
    STATIC_ROOT=/app/staticfiles
WORKDIR /app
USER 10001
VOLUME ["/var/lib/deskbell"]
EXPOSE 8000 8001 8002
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "config.run"]
CMD ["web"]
