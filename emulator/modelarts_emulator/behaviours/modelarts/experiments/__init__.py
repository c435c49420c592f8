"""Operations of the area experiments."""
