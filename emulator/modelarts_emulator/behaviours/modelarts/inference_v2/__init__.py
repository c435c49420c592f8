"""Operations of the area inference-v2."""
