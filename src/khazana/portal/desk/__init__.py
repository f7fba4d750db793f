"""The staff desk: where the people of an office work, from the first day to every statement."""
