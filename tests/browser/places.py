"""Every page there is, by name: what the checks walk over and the screenshots show."""

from stack.bench.addresses import PLACES as PLACES
from tests.browser.newcomer import Admin


def address(admin: Admin, name: str) -> str:
    return PLACES[name].format(portal=admin.portal, staff=admin.staff, learner=admin.learner)
