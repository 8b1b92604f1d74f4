# syntax=docker/dockerfile:1.7
FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_COMPILE_BYTECODE=1
WORKDIR /app
COPY requirements/base.txt requirements/base.txt
RUN uv venv /venv && uv pip install --no-cache --python /venv/bin/python --require-hashes -r requirements/base.txt
COPY pyproject.toml README.md LICENSE ./
COPY trading trading
COPY strategies strategies
COPY desk desk
COPY chatops chatops
COPY workers workers
COPY server server
COPY graphql graphql
COPY migrations migrations
RUN uv pip install --no-cache --python /venv/bin/python --no-deps .

FROM python:3.11-slim-bookworm AS runtime
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin breakwater \
    && install -d -o breakwater -g breakwater /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BREAKWATER_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["breakwater"]
CMD ["up"]
