"""What AWS runs and how it fares, for people to see. Read-only, but for what an invoked function does itself."""
