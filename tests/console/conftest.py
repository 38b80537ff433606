"""The console over the real workspace of the server's tests, and over the fake one."""

from tests.server.conftest import answer_id, client, fake, fake_client, workspace

__all__ = ["answer_id", "client", "fake", "fake_client", "workspace"]
