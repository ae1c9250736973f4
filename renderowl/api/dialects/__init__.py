"""The dialects: the routes of four other documents, translated at the edge into the native resources.

A word of theirs ("job", "export") goes no further than these modules.
"""
