"""May this domain go to `enforce`? Evidence in, a judgement with its reasons out; pure, no I/O."""
