"""Operations of the area agents."""
