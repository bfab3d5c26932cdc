"""Everything GITHUB_*: the run that a step belongs to, the comment on a pull request, the issue about drift."""
