"""Operations of the area algorithms."""
