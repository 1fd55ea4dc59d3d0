"""The container and cluster files hold to their schemas and to the project; each rule is shown to bite."""

import re

import pytest

from stack.ports import DEFAULTS
from tests.deploy_checks import faults, texts
from tests.test_docs import OWN_APPS, compose, read, settings_read

WEB, WORKERS, BEAT = (f"deploy/kubernetes/{name}.yaml" for name in ("web", "workers", "beat"))
ALERTS, PANELS = "deploy/prometheus/alerts.yml", "deploy/grafana/hubsync.json"


def test_nothing_is_wrong() -> None:
    assert faults(texts()) == []


@pytest.mark.parametrize(
    ("file", "this", "that", "said"),
    [
        ("docker-compose.yml", "depends_on", "depend_on", "depend_on"),
        ("docker-compose.yml", '"-Q", "live"', '"-Q", "lively"', "no queue is called lively"),
        ("docker-compose.yml", '"-Q", "bulk"', '"-Q", "live"', "lanes served"),
        ("docker-compose.yml", "celery", "sellery", "nothing with 'sellery'"),
        ("docker-compose.yml", "100s", "60s", "no time to finish a task"),
        ("docker-compose.yml", "  read_only: true\n", "", "not locked down"),
        ("Dockerfile", "3.12.11-slim-bookworm", "slim", "not pinned"),
        ("Dockerfile", "/healthz", "/health", "no health check"),
        (WEB, "containerPort: 8000", "containerPort: 80", "nobody listens on 80"),
        (WEB, "/healthz", "/health", "asks /health"),
        (WEB, "/readyz", "/ready", "asks /ready"),
        (WEB, "startupProbe", "livenessProbee", "has no startupProbe"),
        (WEB, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "not locked down"),
        (WEB, "runAsNonRoot: true", "runAsNonRoot: false", "not locked down"),
        (WEB, "RuntimeDefault", "Unconfined", "no seccomp profile"),
        (WEB, "minReplicas", "minReplica", "minReplica"),
        (WEB, "selector: {app: hubsync, part: web}", "selector: {app: hubsync, part: wep}", "selects nothing"),
        (WORKERS, "            - bulk\n", "            - bulky\n", "no queue is called bulky"),
        (WORKERS, 'queue="live"', 'queue="lively"', "no such queue"),
        (WORKERS, "hubsync_queue_length", "hubsync_queue_size", "no metric is called hubsync_queue_size"),
        (WORKERS, "scaleTargetRef: {name: worker-live}", "scaleTargetRef: {name: worker}", "which is not there"),
        (WORKERS, "terminationGracePeriodSeconds: 100", "terminationGracePeriodSeconds: 30", "no time to finish"),
        (WORKERS, "requests:", "request:", "resources"),
        (BEAT, "- beat\n", "- eat\n", "nobody runs beat"),
        ("deploy/kubernetes/migrate.yaml", '"migrate"', '"migrat"', "nobody runs migrate"),
        ("deploy/kubernetes/configmap.yaml", "PUBLIC_URL", "PUBLIC_URI", "no setting is called PUBLIC_URI"),
        ("deploy/kubernetes/secret.example.yaml", "  TOMBSTONE_KEY", "  SENTRY_DSN", "TOMBSTONE_KEY is not given"),
        ("deploy/kubernetes/ingress.yaml", "name: web\n                port", "name: wep\n                port", "leads nowhere"),
        ("deploy/kubernetes/kustomization.yaml", "  - beat.yaml\n", "", "wrongly"),
        (ALERTS, "hubsync_parked_rows", "hubsync_parked", "no metric is called hubsync_parked"),
        (ALERTS, "> 1000", "> > 1000", "parked_rows"),
        (ALERTS, "          action: See whether web runs and Prometheus reaches it.\n", "", "what to do"),
        (PANELS, "hubsync_breakers_open", "hubsync_ready", "does not show hubsync_breakers_open"),
    ],
)  # fmt: skip
def test_a_broken_copy_is_found(file: str, this: str, that: str, said: str) -> None:
    given = texts()
    assert this in given[file]
    found = faults(given | {file: given[file].replace(this, that)})
    assert any(said in fault for fault in found), found


def test_addresses_in_compose_are_those_of_the_examples() -> None:
    shown = read(".env.example")
    for name in ("postgres", "redis"):
        host, outside, inside = compose()[name]["ports"][0].split(":")
        assert f"{host}:{outside}" in shown
        assert outside == inside
    sandbox = read("docs/running.md").partition("## The sandbox in containers")[2]
    used = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", sandbox)}
    assert used == set(DEFAULTS.values())


def test_the_image_holds_every_app_and_nothing_private() -> None:
    copied = set(re.findall(r"^COPY (\w[\w-]*) \w", read("Dockerfile"), re.MULTILINE))
    assert {*OWN_APPS, "hubsync", "templates", "static", "sandbox"} <= copied
    assert {f"!{folder}/" for folder in copied} <= set(read(".dockerignore").splitlines())
    users = re.findall(r"^USER (\w+)", read("Dockerfile"), re.MULTILINE)
    uid = re.findall(r"useradd --uid (\d+)", read("Dockerfile"))
    assert users[-1:] == uid  # by number: Kubernetes cannot tell whether a name is root's
    assert read(WEB).count(f"runAsUser: {uid[0]}") == 1


def test_the_sandbox_settings_of_the_documents_are_settings() -> None:
    block = re.search(r"Set in `.env`:\n\n```\n(.+?)```", read("docs/running.md"), re.DOTALL)
    assert block
    assert set(re.findall(r"^(\w+)=", block.group(1), re.MULTILINE)) <= set(settings_read())
