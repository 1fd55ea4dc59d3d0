"""What the attacks need: the vendors' sandbox, and servers that misbehave."""

from tests.portals.conftest import clean_limiter, installed, running_vendors, serve, vendors

__all__ = ["clean_limiter", "installed", "running_vendors", "serve", "vendors"]
