"""Work that is done beside the pages: queued, leased, retried, scheduled; nothing twice or lost."""
