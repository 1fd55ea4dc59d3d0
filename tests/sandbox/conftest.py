"""The running worlds that the sandbox's own tests share."""

from collections.abc import Iterator

import pytest

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
