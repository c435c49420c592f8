"""Operations of the area nodes."""
