"""Bytes on disk → four tables.

::

    opened ──► sources ──► mail ──► reports (strict, tolerant) ──► tables ──► load
                  │                                                  │
                  streams, mboxes, zips, tars                        parquet, export
"""
