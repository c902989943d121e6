"""Inspection: does what is stored fit this code? It begins no worker, since one might not begin."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from typed_waffle.change import State
from typed_waffle.desk import Desk
from typed_waffle.environment import Locks, locks
from typed_waffle.errors import StoreUnavailable
from typed_waffle.model import M, WaffleModel, facts
from typed_waffle.snapshot import Rejected, Unfit, salvaged

__all__ = ["Inspection", "Misfit", "inspected", "judged", "prepared"]


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something stored that does not fit the model."""

    field: str
    """Empty if it is not of one field."""
    why: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found in the store."""

    revision: int
    misfits: tuple[Misfit, ...]
    unknown: tuple[str, ...]
    """What is stored, and the model has no such setting."""


def inspected(desk: Desk[M]) -> Inspection:
    """Read what is stored, and try it on.

    Raises:
        ConfigurationError: a variable of the environment does not fit.
        StoreUnavailable: the store does not answer.
    """
    sources = desk.binding.sources
    prefix = sources.config.env_prefix
    pinned = locks(desk.model, prefix, os.environ) if prefix else {}
    store = sources.store(pinned)
    try:
        return judged(desk.model, store.state(desk.namespace), pinned)
    finally:
        store.close()


def judged(model: type[WaffleModel], state: State, pinned: Locks) -> Inspection:
    """Try a stored state on."""
    known = {name for fact in facts(model).values() for name in fact.names}
    unknown = tuple(sorted(state.overrides.keys() - known))
    try:
        unfit: Mapping[str, Unfit] = salvaged(model, state, pinned).unfit
    except Rejected as rejected:
        unfit = {"": Unfit(f"what the environment pins breaks a rule: {rejected}")}
    across = "it breaks a rule across settings"
    misfits = tuple(Misfit(name, found.why or across) for name, found in unfit.items())
    return Inspection(state.head.revision, misfits, unknown)


def prepared(desk: Desk[M]) -> bool:
    """Make the tables, or bring them forward; whether anything lacked.

    Raises:
        StoreUnavailable: the database does not answer, or forbids it.
    """
    for create in (False, True):
        store = desk.binding.sources.store((), create_tables=create)
        try:
            store.head(desk.namespace)
        except StoreUnavailable:
            if create:
                raise
        else:
            return create
        finally:
            store.close()
    return False
