"""Loading is inert in each of these tests."""

from tests.inert import _inert  # noqa: F401  # used by every test
