# Hubsync's image: web, worker and beat are three commands of it. See docker-compose.yml.
FROM python:3.12.11-slim-bookworm AS packages
COPY requirements.lock .
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock

FROM python:3.12.11-slim-bookworm AS app
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin hubsync
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=packages /opt/venv /opt/venv
WORKDIR /srv/hubsync
COPY manage.py CHANGELOG.md ./
COPY hubsync hubsync
COPY portals portals
COPY webhooks webhooks
COPY learners learners
COPY gdpr gdpr
COPY templates templates
COPY static static
# Collecting static files needs settings, and none of these values: nothing is connected to, nothing is kept.
RUN KEY=$(python -c "from cryptography.fernet import Fernet as F; print(F.generate_key().decode())") \
    && SECRET_KEY=$KEY ENCRYPTION_KEYS=$KEY TOMBSTONE_KEY=$KEY PUBLIC_URL=https://hubsync.example.com \
    HUBSPOT_APP_ID=1 HUBSPOT_CLIENT_ID=none HUBSPOT_CLIENT_SECRET=none DATABASE_URL=postgresql://none/none \
    REDIS_URL=redis://none EMAIL_URL=smtp://none DEFAULT_FROM_EMAIL=hubsync@example.com \
    python manage.py collectstatic --noinput
USER 10001
# Of web; compose and Kubernetes look at workers and beat in other ways.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
CMD ["gunicorn", "hubsync.wsgi:application", "--worker-class", "gthread", "--workers", "3", "--threads", "4", \
     "--no-control-socket", "--bind", "127.0.0.1:8000", "--graceful-timeout", "5", "--worker-tmp-dir", "/dev/shm"]

# The sandbox needs packages that the app does not, and the app object's file. It is no part of production.
FROM app AS sandbox
USER root
COPY requirements-dev.lock .
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements-dev.lock
COPY hubspot-app hubspot-app
COPY sandbox sandbox
USER 10001
HEALTHCHECK NONE
CMD ["python", "-m", "sandbox"]
