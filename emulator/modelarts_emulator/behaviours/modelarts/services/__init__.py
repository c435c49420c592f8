"""Operations of the area services."""
