"""Operations of the area auto-labeling."""
