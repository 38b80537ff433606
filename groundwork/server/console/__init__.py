"""The console: server-rendered pages, one file for each room. Evidence is always one click away."""

from groundwork.server.console import answers, jobs, knowledge, settings

ROUTERS = (answers.router, knowledge.router, jobs.router, settings.router)
