"""Hubsync and both worlds, with everything that Hubsync says to HubSpot passing through the recorder."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.flows.conftest import empty_stage, running, stage
from tests.flows.stage import Stage
from tests.oracle.recorder import Recorder

__all__ = ["empty_stage", "running", "stage"]


@pytest.fixture
def recorder(stage: Stage, settings: Settings) -> Iterator[Recorder]:
    recorder = Recorder(stage.worlds.sandbox.hubspot_url)
    recorder.start()
    settings.HUBSPOT_API_URL = recorder.url
    yield recorder
    recorder.stop()
