"""HubSpot's state: accounts, their records, installs and what apps may see of them."""

import time
from collections.abc import Callable
from typing import Any

from sandbox.errors import ControlError
from sandbox.hubspot.account import Account
from sandbox.hubspot.appobject import AppObject, load
from sandbox.hubspot.automation import Workflows
from sandbox.hubspot.installs import Installs
from sandbox.hubspot.limits import Limits
from sandbox.hubspot.records import Record, Store
from sandbox.hubspot.seed import accounts
from sandbox.hubspot.values import stamp
from sandbox.hubspot.webhooks import Events
from sandbox.options import Configuration, Options
from sandbox.outbox import Outbox

# "Index lags writes by seconds" (CRM search guide).
SEARCH_LAG_SECONDS = 2.0


class HubSpotWorld:
    def __init__(
        self,
        configuration: Configuration,
        options: Options,
        outbox: Outbox,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.configuration = configuration
        self.options = options
        self.outbox = outbox
        self.clock = clock
        self.app_object: AppObject = load(configuration.app_id)
        self.installs = Installs(configuration, options, clock)
        self.limits = Limits(options)
        self.events = Events(self)
        self.workflows = Workflows(self)
        self.accounts: dict[int, Account] = {}
        self.reset()

    def reset(self) -> None:
        self.accounts = accounts(self.app_object, self.now())
        self.installs.clear()
        self.limits.clear()
        self.events.clear()
        self.workflows.clear()

    def now(self) -> str:
        return stamp(round(self.clock(), 3))

    def account(self, hub_id: Any) -> Account:
        """The account of a control call."""
        account = self.accounts.get(hub_id) if isinstance(hub_id, int) else None
        if account is None:
            raise ControlError(404, f"no such HubSpot account: {hub_id}")
        return account

    def touch(self, store: Store, record: Record) -> None:
        """Search sees a change a moment later."""
        now = self.clock()
        store.announce(record, now + SEARCH_LAG_SECONDS * self.options.time_scale)
        store.settle(now)
