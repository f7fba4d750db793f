"""How amounts, dates, sizes and names are written on pages, in PDFs and in charts.

Latin digits, a comma between groups and a decimal point in every language: a figure looks the same
wherever it is read. Numbers, addresses and hashes are isolated from the text around them, so that
right-to-left prose cannot turn them around.
"""
