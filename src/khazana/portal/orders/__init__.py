"""Orders: payments and purchases before they happen."""
