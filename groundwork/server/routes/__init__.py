"""The JSON interface: thin translations over the workspace, one file for each room."""

from groundwork.server.routes import answers, health, jobs, knowledge, settings

ROUTERS = (health.router, answers.router, knowledge.router, jobs.router, settings.router)
