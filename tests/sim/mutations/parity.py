"""Mistakes about positions: what is quarantined stays so, what is not held stays open."""

from unittest import mock

from tests.sim.mutations.evidence import Mutation
from trueup.core.stages import check_parity


def parity_never_releases() -> Mutation:
    return mock.patch.object(check_parity, "_count_equal", return_value=None)


def parity_never_acts() -> Mutation:
    return mock.patch.object(check_parity, "_act", return_value=False)
