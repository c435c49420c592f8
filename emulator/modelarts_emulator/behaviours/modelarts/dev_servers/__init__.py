"""Lite Servers and hyperinstances: what they are made of, how they live, and what is done with them."""
