"""What the documents say: operations, their checks, the words of refusals."""
