"""What each state's rules say on the same question, version after version, with sources."""
