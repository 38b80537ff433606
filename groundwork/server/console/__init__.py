"""The console: server-rendered pages, one file for each room. Evidence is always one click away."""

from groundwork.server.console import (
    account,
    answers,
    dashboards,
    datasets,
    evaluations,
    feedback,
    gates,
    jobs,
    judges,
    keys,
    knowledge,
    models,
    pathway_catalogue,
    pathway_labs,
    pathways,
    prompts,
    queries,
    releases,
    search,
    sessions,
    settings,
    sign_in,
    trace_compare,
    trace_uploads,
    trace_view,
    traces,
    tunings,
    usage,
)

# The record of a trace comes last: its address would take those of the pages beside it for ids.
ROUTERS = (
    answers.router, knowledge.router, prompts.router, models.router, keys.router, search.router, feedback.router,
    traces.router, trace_uploads.router, trace_compare.router, trace_view.router, sessions.router, usage.router,
    jobs.router, settings.router,
    sign_in.router, account.router, dashboards.router, queries.router,
    datasets.router, tunings.router, evaluations.router, judges.router, gates.router, releases.router,
    pathways.router, pathway_catalogue.router, pathway_labs.router,
)  # fmt: skip
