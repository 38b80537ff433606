"""What a person says of themselves: where they come from, where to, how much time; every change is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select

from groundwork.core.errors import InvalidInputError
from groundwork.pathways.walking.days import day_of
from groundwork.pathways.walking.types import Profile
from groundwork.storage.database import exclusive
from groundwork.storage.pathway_tables import path_profiles

if TYPE_CHECKING:
    from groundwork.core.clock import Clock
    from groundwork.core.principal import Principal
    from groundwork.pathways.catalogue.book import CatalogueBook
    from groundwork.pathways.catalogue.loaded import Loaded
    from groundwork.storage.database import Database

MOST_HOURS = 100
"""A week; whoever says more does not mean a plan that they can keep."""
FIELDS = tuple(Profile.__dataclass_fields__)
p = path_profiles.c


class Profiles:
    """The profile of each person: the newest row counts, the older ones stay."""

    def __init__(self, database: Database, clock: Clock, catalogues: CatalogueBook) -> None:
        self._database = database
        self._clock = clock
        self._catalogues = catalogues

    def current(self, principal: Principal) -> Profile:
        """Return the principal's profile; an empty one before the first was saved."""
        with self._database.read() as connection:
            return _newest(connection, principal)

    def changed(self, principal: Principal, **changes: Any) -> Profile:
        """Return the profile as it would be with these changes, without saving it; see `change`."""
        return _with(self.current(principal), changes, self._catalogues.current(), self._clock.now().date())

    def change(self, principal: Principal, **changes: Any) -> Profile:
        """Save what is given and return the profile; None leaves a field as it is, "" empties it.

        Args:
            changes: fields of `Profile`. Roles and skills are matched as people write them; dates are ISO 8601 or a `date`,
                and a month such as `2028-06` means its last day.

        Raises:
            NotFoundError: the catalogue has no such role, background or skill; the nearest are offered.
            InvalidInputError: the hours, a date or an exception does not make sense.
        """
        catalogue, today = self._catalogues.current(), self._clock.now().date()
        with self._database.write() as connection:
            exclusive(connection, f"profile {principal.tenant} {principal.name}")
            before = _newest(connection, principal)
            after = _with(before, changes, catalogue, today)
            if after == before:
                return before
            mine = (p.tenant == principal.tenant, p.owner == principal.name)
            last = connection.execute(select(func.max(p.seq)).where(*mine)).scalar()
            row = {
                "tenant": principal.tenant,
                "owner": principal.name,
                "seq": int(last or 0) + 1,
                "body": after.as_dict(),
                "created_at": self._clock.now().isoformat(timespec="milliseconds"),
            }
            connection.execute(insert(path_profiles).values(row))
        return after


def _with(before: Profile, changes: dict[str, Any], catalogue: Loaded, today: date) -> Profile:
    """Return a profile with changes that make sense."""
    unknown = sorted(set(changes) - set(FIELDS))
    if unknown:
        raise InvalidInputError(f"a profile has no `{unknown[0]}`", hint=f"it has {', '.join(FIELDS)}")
    new = {name: value for name, value in changes.items() if value is not None}
    if new.get("background"):
        new["background"] = catalogue.background(str(new["background"])).id
    if new.get("target"):
        new["target"] = catalogue.role(str(new["target"])).id
    if "hours_per_week" in new:
        new["hours_per_week"] = _hours(new["hours_per_week"])
    for name in ("start", "by"):
        if new.get(name):
            new[name] = day_of(new[name], last=name == "by").isoformat()
    if "declared" in new:
        new["declared"] = tuple(dict.fromkeys(catalogue.skill(s).id for s in new["declared"]))
    if "exceptions" in new:
        new["exceptions"] = _exceptions(new["exceptions"])
    if new.get("money") is not None and not 0 <= float(new["money"]) < 10**12:
        raise InvalidInputError(f"{new['money']} is no limit of money", hint="write 0 or more")
    if len(str(new.get("name", ""))) > 200:
        raise InvalidInputError("the name has more than 200 characters", hint="shorten it")
    after = replace(before, **new)
    if new.get("by"):
        begin = max(today.isoformat(), after.start)
        if after.by <= begin:
            raise InvalidInputError(
                f"the wished day {after.by} is not after {begin}",
                hint="name a later day with `--by`, or leave it out to see when it would be done",
            )
    return after


def _hours(value: Any) -> float:
    hours = float(value)
    if not 0 < hours <= MOST_HOURS:
        raise InvalidInputError(
            f"{hours:g} hours a week make no plan",
            hint="say how many you can really spare, such as `--hours 5`; weeks without time are exceptions",
        )
    return hours


def _exceptions(values: Sequence[Sequence[Any]]) -> tuple[tuple[str, str, float], ...]:
    found = []
    for first, last, hours in values:
        begin, end = day_of(first), day_of(last, last=True)
        if end < begin:
            raise InvalidInputError(
                f"the exception {begin}..{end} ends before it begins", hint="turn it round"
            )
        if not 0 <= float(hours) <= MOST_HOURS:
            raise InvalidInputError(f"{float(hours):g} hours a week cannot be", hint="write 0 to 100")
        found.append((begin.isoformat(), end.isoformat(), float(hours)))
    return tuple(sorted(found))


def _newest(connection: Connection, principal: Principal) -> Profile:
    mine = (p.tenant == principal.tenant, p.owner == principal.name)
    row = connection.execute(select(p.body).where(*mine).order_by(p.seq.desc()).limit(1)).first()
    return profile_of(row.body) if row else Profile()


def profile_of(body: dict[str, Any]) -> Profile:
    """Return the profile that is stored as `body`; fields of another version of the program are left out."""
    known = {k: v for k, v in body.items() if k in FIELDS}
    known["declared"] = tuple(known.get("declared", ()))
    known["exceptions"] = tuple((e[0], e[1], float(e[2])) for e in known.get("exceptions", ()))
    return Profile(**known)
