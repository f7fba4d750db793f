"""The signed wallet statement a lender asks for: every address, hot and cold, at stated dates."""
