"""Operations of the area science."""
