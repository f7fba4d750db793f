"""What was said in public about national Bitcoin programmes, and what our own check of it gives."""
