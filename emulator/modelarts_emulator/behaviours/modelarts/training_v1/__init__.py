"""Operations of the area training-v1."""
