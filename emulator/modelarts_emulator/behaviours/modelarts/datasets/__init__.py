"""Operations of the area datasets."""
