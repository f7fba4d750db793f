"""Invented providers of virtual assets, what they owe invented customers, and one that lies."""
