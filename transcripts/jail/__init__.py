"""Parsers run in a process of their own: files come from anywhere, and a hostile one must not take a worker along.

The child (``python -m transcripts.jail``) has limits on memory, processor time and written files, an empty
environment, and neither the database's address nor the framework. It speaks in frames over its
standard streams; what it says is data, never code.
"""
