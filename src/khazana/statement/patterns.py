"""How names, digests and instants are spelt, in what Python and JSON Schema both understand."""

END = r"(?![\s\S])"
"""The end of the text. Python's "$" would also match before a final newline."""

HASH256 = "^[0-9a-f]{64}" + END
SALT128 = "^[0-9a-f]{32}" + END
SIGNATURE = "^[0-9a-f]{128}" + END
SLUG = "^[a-z][a-z0-9-]*" + END
LANGUAGE = "^[a-z]{2,3}" + END
INSTANT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z" + END
EVIDENCE_TYPE = "^[a-z0-9][a-z0-9.-]*/[1-9][0-9]*" + END
PART_NAME = r"^[a-z][a-z0-9-]{0,39}(/[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}){0,3}" + END
