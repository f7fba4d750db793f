"""What ties two offices: feeds that the other verifies, agreements with computed status."""
