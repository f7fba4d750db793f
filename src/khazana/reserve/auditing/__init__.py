"""What an auditor samples of a statement, by which rule, and the working papers that remain."""
