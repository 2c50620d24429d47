"""Files that lie where the operator says: buckets of an S3-compatible store and folders of the server.

``faults`` says what can go wrong, ``bucket`` and ``folder`` reach the files, ``fetching`` brings one here for
an ingest, ``watching`` looks for new ones.
"""
