"""Operations of the area pools."""
