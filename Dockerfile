# Two stages: the first has tools and network, the second only what runs.
FROM python:3.13-slim-bookworm AS build
WORKDIR /srv
COPY requirements/uv.lock requirements/run.lock requirements/
RUN python -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements/uv.lock \
 && .venv/bin/uv pip install --no-cache --compile-bytecode --require-hashes -r requirements/run.lock \
 && .venv/bin/python -m pip uninstall --yes uv

FROM python:3.13-slim-bookworm
WORKDIR /srv
RUN useradd --system --uid 10001 --home-dir /srv gatehouse && mkdir /var/lib/gatehouse && chown gatehouse /var/lib/gatehouse
COPY --from=build /srv/.venv .venv
COPY alembic.ini pyproject.toml LICENSE ./
COPY migrations migrations
COPY templates templates
COPY seed seed
COPY app app
COPY gatehouse_agent gatehouse_agent
ENV PATH=/srv/.venv/bin:$PATH PYTHONPATH=/srv PYTHONUNBUFFERED=1 \
    GATEHOUSE_ENVIRONMENT=production GATEHOUSE_DATA_DIR=/var/lib/gatehouse GATEHOUSE_LOG_FORMAT=json
USER gatehouse
VOLUME /var/lib/gatehouse
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD \
    python -c "import urllib.request as u; u.urlopen(u.Request('http://127.0.0.1:8000/health/live'), timeout=2)"
ENTRYPOINT ["python", "-m", "app"]
CMD ["serve", "--host", "0.0.0.0"]
