"""Operations of the area labels."""
