"""The JSON interface: thin translations over the workspace, one file for each room."""

from groundwork.server.routes import (
    answers,
    dashboards,
    datasets,
    evaluations,
    feedback,
    gates,
    health,
    jobs,
    judges,
    keys,
    knowledge,
    labs,
    metrics,
    models,
    pathways,
    prompts,
    releases,
    session,
    settings,
    trace_transfer,
    traces,
    tunings,
    usage,
    users,
)

ROUTERS = (
    health.router, metrics.router, trace_transfer.router, traces.router, answers.router, feedback.router,
    dashboards.router, knowledge.router, prompts.router, models.router, keys.router, usage.router,
    jobs.router, settings.router, session.router, users.router,
    datasets.router, evaluations.router, tunings.router, judges.router, gates.router, releases.router,
    pathways.router, labs.router,
)  # fmt: skip
