"""What programs read: the API, the tables as files, and the feed."""
