"""The running worlds that the sandbox's own tests share."""

from collections.abc import Iterator

import pytest

from tests.sandbox.hubspot_site import HubSpotSite
from tests.sandbox.learnupon_site import Site


@pytest.fixture(scope="package")
def running_learnupon() -> Iterator[Site]:
    site = Site()
    site.start()
    yield site
    site.stop()


@pytest.fixture
def site(running_learnupon: Site) -> Site:
    """LearnUpon alone, as at the start."""
    running_learnupon.fresh()
    return running_learnupon


@pytest.fixture(scope="package")
def running_hubspot() -> Iterator[HubSpotSite]:
    site = HubSpotSite()
    site.start()
    yield site
    site.stop()


@pytest.fixture
def hubspot(running_hubspot: HubSpotSite) -> HubSpotSite:
    """The whole sandbox, as at the start, with a stand-in for Hubsync."""
    running_hubspot.fresh()
    return running_hubspot
