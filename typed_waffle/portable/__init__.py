"""Portable: settings as JSON, TOML or YAML, to be kept in files, carried elsewhere, and edited.

What is read is what was written, to the last bit: a value that a format cannot hold is carried as
a JSON text.
"""
