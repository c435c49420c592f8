"""Operations of the area chat."""
