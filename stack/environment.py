"""The environment that the app's and the sandbox's processes get (DESIGN 5, "Settings")."""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from stack.ports import HOST, Ports
from stack.runs import Run
from stack.services import Services

APP_ID = "12345"
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105  the sandbox's, known to everyone

# Taken from the caller, these would send a demo's data elsewhere or change what it shows.
NOT_INHERITED = {"SENTRY_DSN", "RETRY_SCALE", "DJANGO_SETTINGS_MODULE", "DEBUG"}


@dataclass(frozen=True)
class Addresses:
    web: str
    hubspot: str
    learnupon: str
    smtp: str

    @classmethod
    def chosen(cls, ports: Ports) -> "Addresses":
        return cls(
            web=f"http://{HOST}:{ports.choose('WEB_PORT')}",
            hubspot=f"http://{HOST}:{ports.choose('SANDBOX_HUBSPOT_PORT')}",
            learnupon=f"http://{HOST}:{ports.choose('SANDBOX_LEARNUPON_PORT')}",
            smtp=f"smtp://{HOST}:{ports.choose('SANDBOX_SMTP_PORT')}",
        )


NOWHERE = Addresses("http://127.0.0.1:1", "http://127.0.0.1:1", "http://127.0.0.1:1", "smtp://127.0.0.1:1")


def port_of(address: str) -> str:
    return address.rpartition(":")[2]


def fernet_key() -> str:
    """https://cryptography.io/en/latest/fernet/: 32 random bytes, urlsafe base64, padding kept."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def app_environment(
    run: Run, services: Services, addresses: Addresses, inherited: Mapping[str, str] = os.environ
) -> dict[str, str]:
    environment = {key: value for key, value in inherited.items() if key not in NOT_INHERITED}
    # A proxy of the caller's must not be asked for addresses on this machine.
    environment |= {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    return environment | {
        "PYTHONUNBUFFERED": "1",
        "DEBUG": "True",
        "SECRET_KEY": run.secret("SECRET_KEY"),
        "ENCRYPTION_KEYS": run.secret("ENCRYPTION_KEYS", fernet_key()),
        "TOMBSTONE_KEY": run.secret("TOMBSTONE_KEY"),
        "PUBLIC_URL": addresses.web,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "DATABASE_URL": services.database_url,
        "REDIS_URL": services.redis_url,
        "HUBSPOT_APP_ID": APP_ID,
        "HUBSPOT_CLIENT_ID": CLIENT_ID,
        "HUBSPOT_CLIENT_SECRET": CLIENT_SECRET,
        "HUBSPOT_API_URL": addresses.hubspot,
        "HUBSPOT_APP_URL": addresses.hubspot,
        "LEARNUPON_URL": addresses.learnupon + "/{subdomain}",
        "EMAIL_URL": addresses.smtp,
        "DEFAULT_FROM_EMAIL": "Hubsync <hubsync@example.com>",
        "SANDBOX_HUBSPOT_PORT": port_of(addresses.hubspot),
        "SANDBOX_LEARNUPON_PORT": port_of(addresses.learnupon),
        "SANDBOX_SMTP_PORT": port_of(addresses.smtp),
    }
