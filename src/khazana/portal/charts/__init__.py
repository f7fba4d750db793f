"""Charts drawn on the server as SVG, each from a value that also gives the table behind it.

No script and no style attribute: colours are presentation attributes, which a strict content
security policy allows, which any stylesheet overrides by class, and which PDF readers follow.
Nothing is told by colour alone: lines have numbers and dashes, areas have patterns, bars have text.
"""
