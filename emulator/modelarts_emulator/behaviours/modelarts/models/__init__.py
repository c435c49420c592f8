"""Operations of the area models."""
