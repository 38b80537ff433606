"""The catalogue in force: the shipped one in `data/`, with what a team's own files add or override by id."""
