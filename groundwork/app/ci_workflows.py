"""Workflow files for CI: install, ingest, pin a release, run the gate, show the verdict, promote only what passed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from groundwork.core.errors import InvalidInputError

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace

KINDS = {"github": ".github/workflows/groundwork.yml", "gitlab": ".gitlab-ci.groundwork.yml"}
SETTINGS = ("GROUNDWORK_DATABASE", "GROUNDWORK_BLOBS", "GROUNDWORK_KNOWLEDGE")
"""Where the workspace keeps its records, so that what one job decides the next one knows."""
PYTHON = "3.12"
IMAGE = "python:3.12.12-slim-bookworm"
ACTIONS = {
    "actions/checkout": ("11bd71901bbe5b1630ceea73d27597364c9af683", "v4.2.2"),
    "actions/setup-python": ("a26af69be951a213d495a4c3e4e4022e16d87065", "v5.6.0"),
    "actions/upload-artifact": ("ea165f8d65b6e75b540449e92b4886f43607fa02", "v4.6.2"),
    "actions/download-artifact": ("d3f86a106a0bac45b974a628896c90dbdf5c8093", "v4.3.0"),
}
"""Actions by commit: a tag can be moved to other code."""
FOLDER = "groundwork-report"
SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./")


@dataclass(frozen=True)
class Workflow:
    """A workflow file: where it belongs, its text, the gate it runs, and the names of the secrets it takes."""

    path: str
    text: str
    gate: str
    secrets: tuple[str, ...]


def write_workflow(
    workspace: Workspace,
    kind: str,
    *,
    gate: str = "",
    environment: str = "production",
    documents: str = "docs",
) -> Workflow:
    """Return the workflow of a gate; nothing is written.

    Args:
        kind: `github` or `gitlab`. gate: empty: the only one. environment: where what passed is promoted to.
        documents: what is ingested, a path in the repository.

    Raises:
        InvalidInputError: there is no such kind, or a word cannot stand in a workflow. NotFoundError: there is no such gate.
    """
    if kind not in KINDS:
        raise InvalidInputError(f"`{kind[:40]}` is no CI that is known", hint=f"one of: {', '.join(KINDS)}")
    name, spec = workspace.evaluation.gates.spec(gate)
    for what, word in (("gate", name), ("app", spec.app), ("environment", environment), ("path", documents)):
        if not word or not set(word) <= SAFE or word.startswith("-"):
            raise InvalidInputError(
                f"the {what} `{word[:60]}` cannot stand in a command line",
                hint="use letters, digits, `_`, `-`, `.` and `/`",
            )
    secrets = (*SETTINGS, *sorted(set(_named(workspace.spec.model_dump(mode="json")))))
    made = _github if kind == "github" else _gitlab
    text = made(name, spec.app, environment, documents, secrets)
    return Workflow(KINDS[kind], text, name, secrets)


def _named(value: Any) -> Iterator[str]:
    """Yield the variables that a spec names as `env:NAME`."""
    if isinstance(value, str) and value.startswith("env:"):
        yield value.removeprefix("env:")
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _named(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _named(part)


def _commands(gate: str, app: str, environment: str, documents: str) -> dict[str, str]:
    return {
        "ingest": f"groundwork ingest {documents}",
        "create": f"groundwork --json release create {app} > release.json",
        "gate": f'groundwork gate run {gate} --candidate "$RELEASE" --environment {environment} --ci --output {FOLDER}',
        "promote": f'groundwork release promote "$RELEASE" --to {environment}',
    }


READ_REF = "python -c \"import json; print(json.load(open('release.json'))['ref'])\""


def _uses(action: str) -> str:
    commit, tag = ACTIONS[action]
    return f"{action}@{commit} # {tag}"


def _github(gate: str, app: str, environment: str, documents: str, secrets: tuple[str, ...]) -> str:
    run = _commands(gate, app, environment, documents)
    variables = "\n".join(f"      {name}: ${{{{ secrets.{name} }}}}" for name in secrets)
    return f"""\
# Made by `groundwork export ci github`. Set these secrets in the repository: {", ".join(secrets)}.
# GROUNDWORK_DATABASE and GROUNDWORK_BLOBS lead to the installation whose releases are promoted (PostgreSQL, object storage).
name: groundwork

on:
  pull_request:
  push:
    branches: [main]

permissions: {{}}

concurrency:
  group: groundwork-${{{{ github.ref }}}}
  cancel-in-progress: false

jobs:
  gate:
    # A change from a fork gets no secrets, so it cannot be judged here.
    if: github.event_name == 'push' || github.event.pull_request.head.repo.full_name == github.repository
    runs-on: ubuntu-24.04
    timeout-minutes: 60
    permissions:
      contents: read
    env:
{variables}
    outputs:
      release: ${{{{ steps.release.outputs.release }}}}
    steps:
      - uses: {_uses("actions/checkout")}
        with:
          persist-credentials: false
      - uses: {_uses("actions/setup-python")}
        with:
          python-version: "{PYTHON}"
      - name: Install
        run: pip install "groundwork-ai=={version("groundwork-ai")}"
      - name: Ingest the documents
        run: {run["ingest"]}
      - name: Pin what is judged as a release
        id: release
        run: |
          {run["create"]}
          echo "release=$({READ_REF})" >> "$GITHUB_OUTPUT"
      - name: Run the gate
        env:
          RELEASE: ${{{{ steps.release.outputs.release }}}}
        run: {run["gate"]}
      - name: Keep the reports
        if: always()
        uses: {_uses("actions/upload-artifact")}
        with:
          name: groundwork-report
          path: groundwork-report
          if-no-files-found: warn
          retention-days: 90

  comment:
    needs: gate
    if: always() && github.event_name == 'pull_request' && needs.gate.result != 'skipped'
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions:
      pull-requests: write
    steps:
      - uses: {_uses("actions/download-artifact")}
        with:
          name: groundwork-report
      - name: Put the verdict below the change
        env:
          GH_TOKEN: ${{{{ github.token }}}}
          CHANGE: ${{{{ github.event.pull_request.html_url }}}}
        run: gh pr comment "$CHANGE" --edit-last --create-if-none --body-file verdict.md

  promote:
    # Only what the gate let pass gets here: the job before it ends with an error otherwise.
    needs: gate
    if: github.event_name == 'push' && github.ref == 'refs/heads/main'
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    environment: {environment}
    permissions:
      contents: read
    env:
{variables}
      RELEASE: ${{{{ needs.gate.outputs.release }}}}
    steps:
      - uses: {_uses("actions/checkout")}
        with:
          persist-credentials: false
      - uses: {_uses("actions/setup-python")}
        with:
          python-version: "{PYTHON}"
      - name: Install
        run: pip install "groundwork-ai=={version("groundwork-ai")}"
      - name: Promote
        run: {run["promote"]}
"""


def _gitlab(gate: str, app: str, environment: str, documents: str, secrets: tuple[str, ...]) -> str:
    run = _commands(gate, app, environment, documents)
    return f"""\
# Made by `groundwork export ci gitlab`; take it in with `include: {KINDS["gitlab"]}`.
# Set these as masked and protected CI/CD variables: {", ".join(secrets)}.
# GROUNDWORK_DATABASE and GROUNDWORK_BLOBS lead to the installation whose releases are promoted (PostgreSQL, object storage).
stages: [gate, promote]

.groundwork:
  image: {IMAGE}
  before_script:
    - pip install "groundwork-ai=={version("groundwork-ai")}"

groundwork-gate:
  extends: .groundwork
  stage: gate
  timeout: 1 hour
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  script:
    - {run["ingest"]}
    - {run["create"]}
    - export RELEASE="$({READ_REF})"
    - echo "RELEASE=$RELEASE" > release.env
    - {run["gate"]}
  artifacts:
    when: always
    expire_in: 90 days
    paths: [groundwork-report]
    reports:
      dotenv: release.env
      junit: groundwork-report/verdict.xml
      codequality: groundwork-report/gl-code-quality-report.json

groundwork-promote:
  extends: .groundwork
  stage: promote
  timeout: 15 minutes
  # Only what the gate let pass gets here: the job before it ends with an error otherwise.
  needs:
    - job: groundwork-gate
      artifacts: true
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  environment:
    name: {environment}
  resource_group: {environment}
  script:
    - {run["promote"]}
"""
