"""The traces of a workspace: the parts of the room, built from the settings here and introduced to those who fill it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundwork.core.once import once

if TYPE_CHECKING:
    from groundwork.app.unanswered import Unanswered
    from groundwork.app.upkeep import Upkeep
    from groundwork.app.workspace import Workspace
    from groundwork.gateway.content import ContentSink
    from groundwork.storage.database import Database
    from groundwork.storage.watching import Watch
    from groundwork.telemetry.archive import Archive
    from groundwork.telemetry.dashboards import Dashboards
    from groundwork.telemetry.deletion import Deletions
    from groundwork.telemetry.erasure import TelemetryEraser
    from groundwork.telemetry.exporting.exporter import Exporter
    from groundwork.telemetry.feedback import FeedbackBook
    from groundwork.telemetry.intake import Intake
    from groundwork.telemetry.projection import Projector
    from groundwork.telemetry.reader import SpanReader
    from groundwork.telemetry.retention import Retention
    from groundwork.telemetry.rollups import Roller
    from groundwork.telemetry.span_tables import SpanTables
    from groundwork.telemetry.sql import Sql
    from groundwork.telemetry.store import SpanStore
    from groundwork.telemetry.types import Capture
    from groundwork.telemetry.views import SavedViews


@dataclass
class TelemetryRoom:
    """The parts, each made when it is first asked for."""

    workspace: Workspace
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @once
    def database(self) -> Database:
        """Spans have a file of their own beside `groundwork.db`, so that a flood of them keeps no other writer waiting."""
        from groundwork.storage.database import Database

        rooms = self.workspace.rooms
        return Database(self.workspace.settings.database or rooms.data / "telemetry.db")

    @once
    def store(self) -> SpanStore:
        """Where spans are kept."""
        from groundwork.telemetry.masking import Masker
        from groundwork.telemetry.store import SpanStore

        return SpanStore(self.database, self.workspace.rooms.clock, masker=Masker(self.capture))

    @once
    def reader(self) -> SpanReader:
        """What lists and pages ask; see `fresh`."""
        from groundwork.telemetry.archived_traces import WholeReader

        return WholeReader(self.database, lambda: self.archive)

    @once
    def views(self) -> SavedViews:
        """Lists with their filters under names."""
        from groundwork.telemetry.views import SavedViews

        return SavedViews(self.workspace.rooms.database, self.workspace.rooms.clock)

    @once
    def deletions(self) -> Deletions:
        """Deletes traces for people."""
        from groundwork.telemetry.deletion import Deletions

        def forget(tenant: str, traces: Sequence[str]) -> None:
            self.archive.erase(tenant, traces)
            self.roller.forget(tenant, traces)

        return Deletions(self.store, forget)

    @once
    def retention(self) -> Retention:
        """Drops traces that are too old or too many; `run` is for upkeep, every few minutes."""
        from groundwork.telemetry.retention import Retention

        settings = self.workspace.settings
        return Retention(
            self.store,
            self.workspace.rooms.clock,
            days=settings.telemetry_days,
            most_bytes=int(settings.telemetry_max_gib * 2**30),
            waiting_since=self.archive.waiting_since,
        )

    def capture(self, app: str) -> Capture:
        """Say whether texts of an app are kept."""
        spec = self.workspace.spec.apps.get(app)
        kept: Capture | None = getattr(spec, "capture", None)
        default: Capture = self.workspace.settings.capture
        return kept or default

    def fresh(self) -> SpanReader:
        """Return the reader after the spans of our own records were brought up to date."""
        self.catch_up()
        return self.reader

    def catch_up(self) -> int:
        """Make the spans of everything that has happened, and return how many."""
        made = self.unanswered.flush(self.store) if len(self.unanswered) else 0
        return made + self.projector.catch_up()

    @once
    def unanswered(self) -> Unanswered:
        """Questions that could not be answered, until their spans are made."""
        from groundwork.app.unanswered import Unanswered

        return Unanswered(lambda app: self.capture(app) != "off")

    @once
    def content(self) -> ContentSink:
        """What was asked and said in calls of this process, until their spans are made."""
        from groundwork.gateway.content import ContentSink

        apps = self.workspace.spec.apps
        kept = {app: self.capture(app) != "off" for app in ("", *apps)}
        otherwise = kept[""]
        return ContentSink(lambda app: kept.get(app, otherwise))

    @once
    def watch(self) -> Watch:
        """The connection that looks at records."""
        from groundwork.storage.watching import Watch

        return Watch(self.workspace.rooms.database)

    @once
    def projector(self) -> Projector:
        """Makes spans of answers, calls, ingests and jobs."""
        from groundwork.app import offers
        from groundwork.app.projecting import Policy, Sources
        from groundwork.telemetry.projection import Projector

        policy = Policy(
            texts=lambda app: self.capture(app) != "off",
            priced=lambda provider, model: offers.price_of(self.workspace, provider, model) is not None,
            days=float(getattr(self.workspace.settings, "telemetry_days", 0.0)),
        )
        sources = Sources(self.watch, self.workspace.rooms.clock, policy, self.content)
        return Projector(self.store, self.database, sources.all)

    @once
    def intake(self) -> Intake:
        """The way in for spans of other programs."""
        from groundwork.app.pricing import price
        from groundwork.telemetry.intake import Intake

        return Intake(self.store, price)

    @once
    def exporter(self) -> Exporter | None:
        """Hands spans on to the target of `[export]`; None where there is none."""
        from groundwork.app.exporting import exporter_of

        return exporter_of(self.workspace)

    @once
    def feedback(self) -> FeedbackBook:
        """What people and programs say of answers and traces."""
        from groundwork.app.subjects import HouseSubjects
        from groundwork.telemetry.feedback import FeedbackBook

        def mark(tenant: str, trace_id: str, thumb: str) -> None:
            self.projector.catch_up()  # the line of a trace that has just come
            self.store.mark(tenant, trace_id, feedback=thumb)

        rooms = self.workspace.rooms
        return FeedbackBook(rooms.database, rooms.clock, HouseSubjects(self.workspace), mark)

    @once
    def eraser(self) -> TelemetryEraser:
        """Takes erased documents out of spans, archive and feedback."""
        from groundwork.answers import store as answers
        from groundwork.gateway.flow_trace import trace_hex
        from groundwork.telemetry.erasure import TelemetryEraser

        database = self.workspace.rooms.database

        def showing(tenant: str, document_ids: Sequence[str]) -> list[tuple[str, str]]:
            with database.read() as connection:
                found = answers.answers_with(connection, tenant, document_ids)
            return [(a.id, trace_hex(a.trace_id or a.id)) for a in found]

        return TelemetryEraser(
            self.store, lambda: self.archive, self.feedback, database, showing, self.content.forget
        )

    @once
    def upkeep(self) -> Upkeep:
        """What a server does beside its requests, so that pages show what has just happened."""
        from groundwork.app.upkeep import Task, Upkeep

        # Parts are made by the first run, so that a server that has just begun is not kept busy with what can wait.
        return Upkeep(
            [
                Task("making spans of records", self.catch_up, 0.25, 0.6, at_end=True),
                Task("counting spans for dashboards", lambda: self.roller.catch_up(), 1.0, 2.0, first_s=0.5),
                Task("archiving spans", lambda: self.archive.catch_up(seconds=0.5), 2.0, 60.0, first_s=60.0),
                Task("dropping old spans", lambda: self.retention.run(0.5), 2.0, 300.0, first_s=90.0),
            ]
        )

    @once
    def roller(self) -> Roller:
        """Counts stored spans into the rollups."""
        from groundwork.telemetry.rollups import Roller

        return Roller(self.database, self.reader.raw, self.reader.tenants, self.workspace.rooms.clock)

    @once
    def dashboards(self) -> Dashboards:
        """What dashboards show, from rollups; see `rolled`."""
        from groundwork.telemetry.dashboards import Dashboards
        from groundwork.telemetry.thumbs import Thumbs

        self.store.migrate()
        rooms = self.workspace.rooms
        return Dashboards(self.database, Thumbs(rooms.database), rooms.clock)

    def rolled(self) -> Dashboards:
        """Return the dashboards after everything that is stored was counted."""
        self.fresh()
        self.roller.catch_up()
        return self.dashboards

    @once
    def archive(self) -> Archive:
        """Closed hours of spans as Parquet."""
        from functools import partial

        from groundwork.telemetry.archive import Archive
        from groundwork.telemetry.archive_place import ArchivePlace, beside
        from groundwork.telemetry.between import between

        self.store.migrate()
        settings, rooms = self.workspace.settings, self.workspace.rooms
        return Archive(
            self.database,
            ArchivePlace(beside(settings.blobs) or rooms.data / "spans"),
            partial(between, self.database),
            self.reader.tenants,
            rooms.clock,
            days=settings.archive_days,
            most_bytes=int(settings.archive_max_gib * 2**30),
        )

    @once
    def sql(self) -> Sql:
        """Questions in SQL over spans, traces and records."""
        from groundwork.telemetry.sql import Sql

        return Sql(self.tables, self.workspace.rooms.database)

    @once
    def tables(self) -> SpanTables:
        """All spans as Arrow tables, for SQL and for export as Parquet."""
        from groundwork.telemetry.span_tables import SpanTables

        return SpanTables(self.database, self.archive)

    def close(self) -> None:
        """Store what waits and let go of threads and connections, in the reverse order of making."""
        with self._lock:
            if len(self.__dict__.get("content", ())) or len(self.__dict__.get("unanswered", ())):
                self._keep_content()
            parts = ("sql", "reader", "projector", "watch", "store", "database")
            made = {name: self.__dict__.pop(name) for name in parts if name in self.__dict__}
        for part in made.values():
            part.close()

    def _keep_content(self) -> None:
        """Make the spans of calls whose texts this process alone has."""
        import logging

        from groundwork.core.errors import GroundworkError

        try:
            self.catch_up()
        except GroundworkError as error:
            logging.getLogger("groundwork.telemetry").warning(
                "the texts of %d calls are in no trace: %s", len(self.content), error.message
            )
