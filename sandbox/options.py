"""The switches of `/_sandbox/options`, and what the process is told by its environment."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from sandbox.errors import ControlError


@dataclass
class Options:
    latency_ms: float = 0
    rate_limits: Literal["on", "off"] = "on"
    # LearnUpon's allowance of each portal; no documentation names one, and customers can be given more.
    learnupon_minute: int = 300
    token_seconds: int = 1800
    # Multiplies every waiting time of the vendors: retry schedules, BLOCK expiry, search lag.
    time_scale: float = 1.0
    assumed_events: bool = False
    # HubSpot answers unset properties as null; its OpenAPI, and the SDK made from it, allow strings only.
    null_properties: bool = False
    # HubSpot's "Understanding the CRM" says users cannot be associated; LearnUpon's help promises it.
    user_associations: bool = False

    def update(self, changes: Mapping[str, Any]) -> None:
        checked = {name: self._checked(name, value) for name, value in changes.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def reset(self) -> None:
        self.update(asdict(Options()))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def _checked(self, name: str, value: Any) -> Any:
        if name not in {field.name for field in fields(self)}:
            raise ControlError(400, f"no such option: {name}")
        if name == "rate_limits":
            if value not in ("on", "off"):
                raise ControlError(400, "rate_limits is on or off")
            return value
        return _same_kind(name, value, getattr(self, name))


def _same_kind(name: str, value: Any, current: Any) -> Any:
    if isinstance(current, bool):
        if not isinstance(value, bool):
            raise ControlError(400, f"{name} is true or false")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ControlError(400, f"{name} is a number, 0 or more")
    return int(value) if name in ("token_seconds", "learnupon_minute") else float(value)


@dataclass(frozen=True)
class Configuration:
    """Where to listen and which app this is; the app itself reads the same variables."""

    hubspot_port: int = 9000
    learnupon_port: int = 9001
    smtp_port: int = 9002
    public_url: str = "http://127.0.0.1:8000"
    app_id: int = 12345
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-secret"  # noqa: S105 - a made-up app's

    @classmethod
    def from_environment(cls, values: Mapping[str, str] = os.environ) -> "Configuration":
        default = cls()
        return cls(
            hubspot_port=int(values.get("SANDBOX_HUBSPOT_PORT", default.hubspot_port)),
            learnupon_port=int(values.get("SANDBOX_LEARNUPON_PORT", default.learnupon_port)),
            smtp_port=int(values.get("SANDBOX_SMTP_PORT", default.smtp_port)),
            public_url=values.get("PUBLIC_URL", default.public_url).rstrip("/"),
            app_id=int(values.get("HUBSPOT_APP_ID", default.app_id)),
            client_id=values.get("HUBSPOT_CLIENT_ID", default.client_id),
            client_secret=values.get("HUBSPOT_CLIENT_SECRET", default.client_secret).split(",")[0].strip(),
        )
