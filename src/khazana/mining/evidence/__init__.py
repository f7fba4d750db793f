"""What a site shows about its energy and its payouts: meters, readings, seals, bills, pools."""
