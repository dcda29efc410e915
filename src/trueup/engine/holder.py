"""The name under which a lease is held: fresh for each acquisition, and it says who took it."""

import os
import socket

import uuid_utils


def new_holder() -> str:
    """Two acquisitions never have one name, whatever a failover makes of the epoch."""
    return f"{socket.gethostname()}:{os.getpid()}/{uuid_utils.uuid7()}"


def holder_name(holder: str) -> str:
    """The machine and process, as `status` shows them."""
    return holder.partition("/")[0]
