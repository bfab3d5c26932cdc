"""Plan, status -> text, Markdown, JSON. Pure."""
