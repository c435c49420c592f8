"""What the cloud computes, computed here: pure functions of seed, specification and virtual time."""
