"""Operations of the area training."""
