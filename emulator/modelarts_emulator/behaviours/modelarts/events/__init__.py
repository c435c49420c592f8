"""What happens to pools, and what is going to happen to their nodes."""
