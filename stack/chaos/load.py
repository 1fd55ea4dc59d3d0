"""What people, workflows and learners do during a run, in an order drawn from the seed."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush

import requests

from stack.chaos.stage import Stage
from stack.story.judge import CheckFailed
from stack.story.scene import ACME, GLOBEX
from stack.story.worlds import Row, Worlds

GROUP = 10  # contacts that a workflow enrolls at once
CLASS = 8  # people who finish at once: LearnUpon tells of up to ten in one request
LOOK_EVERY = 2.0
FINISHED = ("passed", "failed", "completed")
# What is done -> from where to where of the run it is spread.
SPREAD = {"enroll": (0.0, 0.85), "repeat": (0.2, 1.0), "finish": (0.1, 1.0)}


@dataclass
class Contact:
    account: int
    id: str
    portal: str
    values: dict[str, str]
    enrolled: bool = False
    gone: str = ""  # how it went, when it did
    into: str = ""  # the contact it was merged into
    texts: list[str] = field(default_factory=list)  # names and addresses it got later
    addresses: set[str] = field(default_factory=set)  # every e-mail it ever had

    def __post_init__(self) -> None:
        self.addresses.add(self.values["email"])


@dataclass
class Load:
    stage: Stage
    dice: random.Random
    contacts: list[Contact] = field(default_factory=list)
    bystanders: list[Contact] = field(default_factory=list)
    users: dict[str, list[int]] = field(default_factory=dict)
    open_invites: list[tuple[str, str]] = field(default_factory=list)
    taken: dict[str, list[int]] = field(default_factory=dict)  # enrollments by portal
    done: Counter[str] = field(default_factory=Counter)
    failure: BaseException | None = None
    _looked: float = 0.0
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self.worlds = Worlds(self.stage.app.addresses.hubspot)  # of its own: it calls from its own thread

    # --- before ---------------------------------------------------------------------------------------
    def prepare(self) -> None:
        size, start = self.stage.size, self.stage.scene.start
        self.courses = {
            portal: [row["id"] for row in start.courses(portal) if "without seats" not in row["name"]]
            for portal in ("acme", "acme-partners", "globex")
        }
        self.others = {(row["portal"], row["id"]) for row in start.parts["learnupon_users"]}
        self.contacts = self._make(ACME, size.acme) + self._make(GLOBEX, size.globex)
        self.bystanders = self._make(ACME, size.bystanders)

    def _make(self, account: int, count: int) -> list[Contact]:
        """Names and addresses that occur nowhere else, so that a log that shows one is found."""
        rows = [_values(account, self.dice) for _ in range(count)]
        ids = self.worlds.call("POST", "contacts", {"account": account, "rows": rows})["ids"]
        portals = ("globex",) if account == GLOBEX else ("acme", "acme", "acme", "acme-partners")
        return [
            Contact(account, str(number), self.dice.choice(portals), row)
            for number, row in zip(ids, rows, strict=True)
        ]

    # --- during ---------------------------------------------------------------------------------------
    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="load")
        self._thread.start()

    def finish(self) -> None:
        if self._thread is not None:
            self._thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            began, plan = time.monotonic(), self._plan()
            while plan:
                due, name = heappop(plan)
                late = began + due - time.monotonic()
                if late > 0:
                    time.sleep(late)
                if not self._do(name):
                    self._put_off(plan, due, name, time.monotonic() - began)
        except BaseException as error:
            self.failure = error

    def _put_off(self, plan: list[tuple[float, str]], due: float, name: str, now: float) -> None:
        """What there is nobody for yet comes again, until the run is over."""
        if now < self.stage.size.seconds:
            heappush(plan, (max(due, now) + 1, name))
        else:
            self.done[f"{name} left out"] += 1

    def _plan(self) -> list[tuple[float, str]]:
        size = self.stage.size
        counts = {
            "enroll": len(self.contacts) // GROUP, "repeat": len(self.contacts) // GROUP // 5,
            "finish": size.finishes // CLASS, "reopen": size.finishes // 20, "change": size.changes,
            "delete": size.changes // 60, "restore": size.changes // 100, "merge": size.changes // 80,
            "forget": size.changes // 60, "accept": len(self.contacts) // 10,
        }  # fmt: skip
        plan = []
        for name, count in counts.items():
            low, high = SPREAD.get(name, (0.05, 1.0))
            plan += [(self.dice.uniform(low, high) * size.seconds, name) for _ in range(max(count, 1))]
        return sorted(plan)

    def _do(self, name: str) -> bool:
        """Whether it was done; what cannot be done yet comes again."""
        act: Callable[[], bool] = getattr(self, f"_{name}")
        try:
            done = act()
        except (CheckFailed, requests.RequestException):
            self.done["refused by the sandbox"] += 1
            return True
        self.done[name] += done
        return done

    def _call(self, what: str, **body: object) -> Row:
        answer: Row = self.worlds.call("POST", what, body)
        return answer

    # --- workflows ------------------------------------------------------------------------------------
    def _enroll(self) -> bool:
        waiting = [one for one in self.contacts if not (one.enrolled or one.gone)]
        if not waiting:
            return True
        first = self.dice.choice(waiting)
        group = [one for one in waiting if (one.account, one.portal) == (first.account, first.portal)][:GROUP]
        for one in group:
            one.enrolled = True
        self._workflow("user-invite" if self.dice.random() < 0.2 else "user-add", group)
        return True

    def _repeat(self) -> bool:
        """A second run of the same workflow, for people who are there already."""
        known = [one for one in self.contacts if one.enrolled and not one.gone]
        if known:
            first = self.dice.choice(known)
            self._workflow(self.dice.choice(["user-add", "user-invite", "update-learner"]), [first])
        return bool(known)

    def _workflow(self, action: str, group: list[Contact]) -> None:
        inputs = {"portal": group[0].portal}
        ids = [one.id for one in group]
        self._call("workflow", account=group[0].account, action=action, record_ids=ids, inputs=inputs)

    # --- learners -------------------------------------------------------------------------------------
    def _look(self) -> None:
        if time.monotonic() - self._looked < LOOK_EVERY:
            return
        self._looked = time.monotonic()
        parts = self.worlds.look("learnupon_users", "invites").parts
        self.users = {}
        for row in parts["learnupon_users"]:
            if row["enabled"] and (row["portal"], row["id"]) not in self.others:
                self.users.setdefault(row["portal"], []).append(row["id"])
        sent = [row for row in parts["invites"] if row["invite_status"] == "sent"]
        self.open_invites = [(row["portal"], row["invite_email_address"]) for row in sent]

    def _finish(self) -> bool:
        """A class ends: some people at once, who are there for the first time or do a course again."""
        self._look()
        portal = self.dice.choices(("acme", "acme-partners", "globex"), (6, 2, 2))[0]
        if not self.users.get(portal):
            return False
        self._learn(portal, [self._step(portal) for _ in range(CLASS)])
        return True

    def _step(self, portal: str) -> Row:
        taken = self.taken.get(portal, [])
        if taken and self.dice.random() < 0.3:
            return {"enrollment_id": self.dice.choice(taken), **self._standing(self.dice.choice(FINISHED))}
        user, course = self.dice.choice(self.users[portal]), self.dice.choice(self.courses[portal])
        return {"user_id": user, "course_id": course, **self._standing(self.dice.choice(FINISHED))}

    def _reopen(self) -> bool:
        portal = self.dice.choice(list(self.taken) or [""])
        if portal:
            row = {"enrollment_id": self.dice.choice(self.taken[portal]), **self._standing("in_progress")}
            self._learn(portal, [row])
        return bool(portal)

    def _learn(self, portal: str, rows: list[Row]) -> None:
        ids = self._call("learn", portal=portal, rows=rows)["ids"]
        self.taken.setdefault(portal, []).extend(ids)

    def _standing(self, status: str) -> Row:
        share = self.dice.randint(1, 99) if status == "in_progress" else 100
        score = self.dice.randint(0, 100) if status in ("passed", "failed") else None
        return {"status": status, "percentage": score, "percentage_complete": share}

    def _accept(self) -> bool:
        self._look()
        if not self.open_invites:
            return False
        portal, email = self.open_invites.pop(self.dice.randrange(len(self.open_invites)))
        self._call("accept-invite", portal=portal, email=email)
        return True

    # --- contacts -------------------------------------------------------------------------------------
    def _contact(self, *, known: float = 0.2) -> Contact | None:
        """Somebody who is there still; None while events would be lost."""
        crowd = self.contacts if self.dice.random() < known else self.bystanders
        there = [one for one in crowd if not one.gone]
        return self.dice.choice(there) if there and not self.stage.lossy else None

    def _change(self) -> bool:
        one = self._contact()
        if one is None:
            return False
        name = self.dice.choice(("firstname", "lastname", "lastname", "email"))
        fresh = _values(one.account, self.dice)[name]
        one.texts.append(fresh)
        if name == "email":
            one.addresses.add(fresh)
        self._call("change", account=one.account, contact_id=one.id, properties={name: fresh})
        return True

    def _delete(self) -> bool:
        return self._remove("delete", "deleted")

    def _forget(self) -> bool:
        return self._remove("gdpr-delete", "erased")

    def _remove(self, what: str, how: str) -> bool:
        one = self._contact(known=0.8)
        if one is None:
            return False
        one.gone = how
        self._call(what, account=one.account, contact_id=one.id)
        return True

    def _restore(self) -> bool:
        deleted = [one for one in [*self.contacts, *self.bystanders] if one.gone == "deleted"]
        if not deleted or self.stage.lossy:
            return False
        one = self.dice.choice(deleted)
        self._call("restore", account=one.account, contact_id=one.id)
        one.gone = ""
        return True

    def _merge(self) -> bool:
        """Two people in one account turn out to be one."""
        one, other = self._contact(known=0.8), self._contact(known=0.5)
        if one is None or other is None or one is other or one.account != other.account:
            return False
        new = self.dice.random() < 0.3
        other.gone = "merged"
        one.gone = "merged" if new else ""
        body = {"account": one.account, "contact_id": one.id, "merged_id": other.id}
        kept = str(self._call("merge", **body, new_id=new)["id"])
        self._moved(one, other, kept)
        return True

    def _moved(self, one: Contact, other: Contact, kept: str) -> None:
        """Follow everybody who is now the contact that was kept."""
        for past in [*self.contacts, *self.bystanders]:
            if past.account == one.account and {past.into, past.id} & {one.id, other.id}:
                past.into = kept if past.id != kept else ""


def _values(account: int, dice: random.Random) -> dict[str, str]:
    token = f"{dice.getrandbits(48):012x}"
    return {
        "email": f"q{token}@people{account}.example",
        "firstname": f"Given{token}",
        "lastname": f"Family{token}",
        "department": dice.choice(("Sales", "Support", "Engineering")),
        "employee_number": str(dice.randint(1, 99_999)),
    }
