"""What is wrong with the container and cluster files, as a list: every command, port, variable, queue, probe and metric
in them must be one the project has. Takes texts, so that a test can hand it broken copies."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import compose_spec
import kubernetes_validate
import promql_parser
import yaml
from django.conf import settings

from hubsync.probes import PROBES
from portals.lanes import Lane
from stack.application import WORKERS
from tests.test_docs import metrics_told, settings_read, settings_shown

ROOT: Path = settings.BASE_DIR
KUBERNETES = "1.33"
PORT = 8000
FILES = ("Dockerfile", "docker-compose.yml", "deploy/grafana/hubsync.json", "deploy/prometheus/alerts.yml")
# What containers set otherwise than a developer's machine, or in addition.
CONTAINER_WORDS = {
    "python", "127.0.0.1:8000", "0.0.0.0:8000", "/tmp/beat-schedule", "--worker-tmp-dir", "/dev/shm", "/tmp",
    *(f"worker-{lane}@%h" for lane in Lane.values), *Lane.values,
}  # fmt: skip
Texts = dict[str, str]
Json = dict[str, Any]


def texts() -> Texts:
    names = [*FILES, *(f.relative_to(ROOT).as_posix() for f in (ROOT / "deploy/kubernetes").glob("*.yaml"))]
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in names}


def faults(given: Texts) -> list[str]:
    return [*_compose(given), *_kubernetes(given), *_queries(given)]


@cache
def words_of_make() -> frozenset[str]:
    """Every word of the commands in stack/application.py."""
    tree = ast.parse((ROOT / "stack/application.py").read_text(encoding="utf-8"))
    found = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return frozenset(word for word in found if isinstance(word, str))


def _command(place: str, words: list[str]) -> Iterator[str]:
    for word in words:
        if word not in words_of_make() | CONTAINER_WORDS:
            yield f"{place}: make starts nothing with {word!r}"
    for queue in _queues(words):
        if queue not in Lane.values:
            yield f"{place}: no queue is called {queue}"


def _queues(words: list[str]) -> list[str]:
    return words[words.index("-Q") + 1].split(",") if "-Q" in words else []


def _all_lanes(place: str, commands: list[list[str]]) -> Iterator[str]:
    served = sorted(",".join(_queues(words)) for words in commands if "-Q" in words)
    if served != sorted(WORKERS.values()):
        yield f"{place}: lanes served are {served}"
    for needed in ("beat", "migrate"):
        if not any(needed in words for words in commands):
            yield f"{place}: nobody runs {needed}"


# --- compose ------------------------------------------------------------------------------------------
def _compose(given: Texts) -> Iterator[str]:
    text = given["docker-compose.yml"]
    options = compose_spec.PyOptions()
    options.apply_merge = True
    try:
        options.from_yaml(text).validate()
    except ValueError as error:
        yield f"docker-compose.yml: {error}"
    services = yaml.safe_load(text)["services"]
    own = {name: service for name, service in services.items() if service.get("image") == "hubsync"}
    commands = [service["command"] for service in own.values() if "command" in service]
    image = given["Dockerfile"].replace("\\\n", "")
    commands += [ast.literal_eval(command) for command in re.findall(r"^CMD (\[.+\])$", image, re.MULTILINE)]
    for words in commands:
        yield from _command("docker-compose.yml", words)
    yield from _all_lanes("docker-compose.yml", commands)
    for name, service in own.items():
        if "worker" in name and int(service["stop_grace_period"].rstrip("s")) <= settings.TASK_SECONDS:
            yield f"docker-compose.yml: {name} has no time to finish a task"
        if not (service.get("read_only") and service.get("cap_drop") == ["ALL"]):
            yield f"docker-compose.yml: {name} is not locked down"
    if not re.search(r"^HEALTHCHECK .*127\.0\.0\.1:8000/healthz", image, re.MULTILINE):
        yield "Dockerfile: no health check"
    for base in re.findall(r"^FROM (\S+)", image, re.MULTILINE):
        if base not in re.findall(r" AS (\w+)", image) and not re.search(r":\d+\.\d+\.\d+-slim", base):
            yield f"Dockerfile: {base} is not pinned"


# --- Kubernetes ---------------------------------------------------------------------------------------
def documents(given: Texts) -> Iterator[tuple[str, Json]]:
    for name, text in given.items():
        if name.startswith("deploy/kubernetes/"):
            yield from ((name, document) for document in yaml.safe_load_all(text))


def _kubernetes(given: Texts) -> Iterator[str]:
    commands = []
    found = list(documents(given))
    pods = {d["metadata"]["name"]: d["spec"]["template"] for _, d in found if d["kind"] == "Deployment"}
    for name, document in found:
        if document["kind"] == "Kustomization":
            yield from _kustomization(name, document, given)
        elif document["kind"] == "ScaledObject":
            yield from _scaled(name, document, pods)
        else:
            yield from (f"{name}: {document['kind']}: {said}" for said in _schema(json.dumps(document)))
        yield from _selects(name, document, pods)
        if document["kind"] in ("Deployment", "Job"):
            pod = document["spec"]["template"]["spec"]
            yield from _pod(f"{name}: {document['metadata']['name']}", pod)
            commands.append(pod["containers"][0]["args"])
    yield from _all_lanes("deploy/kubernetes", commands)
    yield from _variables(found)


@cache
def _schema(document: str) -> tuple[str, ...]:
    try:
        kubernetes_validate.validate(json.loads(document), KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return (error.message,)
    return ()


def _kustomization(name: str, document: Json, given: Texts) -> Iterator[str]:
    listed = {f"deploy/kubernetes/{file}" for file in document["resources"]}
    there = {file for file in given if file.startswith("deploy/kubernetes/")}
    if listed != there - {name, "deploy/kubernetes/secret.example.yaml"}:
        yield f"{name}: lists {sorted(listed ^ there)} wrongly"


def _scaled(name: str, document: Json, pods: Json) -> Iterator[str]:
    """KEDA's own kind, which Kubernetes' schemas do not know: https://keda.sh/docs/latest/reference/scaledobject-spec/"""
    spec = document["spec"]
    if set(spec) - {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "cooldownPeriod", "triggers"}:
        yield f"{name}: KEDA knows no such field"
    if spec["scaleTargetRef"]["name"] not in pods:
        yield f"{name}: scales {spec['scaleTargetRef']['name']}, which is not there"
    for trigger in spec["triggers"]:
        query = trigger["metadata"]["query"]
        yield from _query(name, query)
        if not set(re.findall(r'queue="(\w+)"', query)) <= set(Lane.values):
            yield f"{name}: no such queue in {query}"


def _selects(name: str, document: Json, pods: Json) -> Iterator[str]:
    """Services, budgets, policies and autoscalers are about pods that exist."""
    spec = document.get("spec", {})
    selector = spec.get("podSelector", spec.get("selector", {}))
    wanted = selector.get("matchLabels", selector if document["kind"] == "Service" else {})
    labels = [pod["metadata"]["labels"] for pod in pods.values()]
    if wanted and not any(wanted.items() <= one.items() for one in labels):
        yield f"{name}: {document['kind']} selects nothing: {wanted}"
    if document["kind"] == "HorizontalPodAutoscaler" and spec["scaleTargetRef"]["name"] not in pods:
        yield f"{name}: scales nothing"
    for rule in spec.get("rules", []) if document["kind"] == "Ingress" else []:
        if rule["http"]["paths"][0]["backend"]["service"]["name"] not in pods:
            yield f"{name}: leads nowhere"


def _pod(place: str, pod: Json) -> Iterator[str]:
    container = pod["containers"][0]
    yield from _command(place, container["args"])
    secured, outer = container.get("securityContext", {}), pod.get("securityContext", {})
    locked = secured.get("readOnlyRootFilesystem") and secured.get("capabilities") == {"drop": ["ALL"]}
    if not (locked and secured.get("allowPrivilegeEscalation") is False and outer.get("runAsNonRoot")):
        yield f"{place}: is not locked down"
    if outer.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield f"{place}: has no seccomp profile"
    if not {"requests", "limits"} <= set(container.get("resources", {})):
        yield f"{place}: names no resources"
    if (
        "worker" in container["args"]
        and pod.get("terminationGracePeriodSeconds", 30) <= settings.TASK_SECONDS
    ):
        yield f"{place}: has no time to finish a task"
    for port in container.get("ports", []):
        if port["containerPort"] != PORT or f"0.0.0.0:{PORT}" not in container["args"]:
            yield f"{place}: nobody listens on {port['containerPort']}"
    yield from _probes(place, container)


def _probes(place: str, container: Json) -> Iterator[str]:
    ports = {port["name"] for port in container.get("ports", [])}
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container.get(kind, {}).get("httpGet")
        if asked and (asked["path"].partition("?")[0] not in PROBES or asked["port"] not in ports):
            yield f"{place}: {kind} asks {asked['path']} on {asked['port']}"
        elif not asked and ports:
            yield f"{place}: has no {kind}"


def _variables(found: list[tuple[str, Json]]) -> Iterator[str]:
    given = [
        d.get("data", {}) | d.get("stringData", {}) for _, d in found if d["kind"] in ("ConfigMap", "Secret")
    ]
    names = {name for one in given for name in one}
    known = settings_read()
    for name in sorted(names - set(known)):
        yield f"deploy/kubernetes: no setting is called {name}"
    needed = {name for name, commented in settings_shown().items() if not commented} & set(known)
    for name in sorted(needed - names):
        yield f"deploy/kubernetes: {name} is not given"


# --- Prometheus and Grafana ---------------------------------------------------------------------------
def _queries(given: Texts) -> Iterator[str]:
    rules = [rule for group in yaml.safe_load(given[FILES[3]])["groups"] for rule in group["rules"]]
    for rule in rules:
        if set(rule) != {"alert", "expr", "for", "labels", "annotations"}:
            yield f"{FILES[3]}: {rule.get('alert')} lacks a part or has one too many"
        if set(rule["annotations"]) != {"summary", "action"}:
            yield f"{FILES[3]}: {rule['alert']} does not say what is the matter and what to do"
        yield from _query(FILES[3], rule["expr"])
    panels = json.loads(given[FILES[2]])["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    for expression in expressions:
        yield from _query(FILES[2], expression.replace("$__rate_interval", "5m"))
    shown = {name for expression in expressions for name in metrics_told() if name in expression}
    for name in sorted(metrics_told() - shown):
        yield f"{FILES[2]}: does not show {name}"


def _query(place: str, expression: str) -> Iterator[str]:
    try:
        promql_parser.parse(expression)
    except ValueError as error:
        yield f"{place}: {expression}: {error}"
    for name in re.findall(r"hubsync_\w+", expression):
        if name.removesuffix("_bucket") not in metrics_told():
            yield f"{place}: no metric is called {name}"
