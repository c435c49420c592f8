"""Language models that need no service: pure functions of what they are asked, their text and a seed."""
