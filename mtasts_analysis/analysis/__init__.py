"""Tables → answers: pure functions on DataFrames, without I/O."""
