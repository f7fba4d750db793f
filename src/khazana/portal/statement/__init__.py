"""Published statements as the portal keeps them: files as they came, byte for byte."""
