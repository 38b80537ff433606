"""`python -m groundwork.cli`: the same as `groundwork`."""

from groundwork.cli import main

main()
