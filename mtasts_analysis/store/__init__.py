"""A Parquet dataset that grows: only what is new is read, and a crash leaves the old state or the new."""
