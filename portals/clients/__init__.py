"""The only code that opens a socket to a vendor."""
