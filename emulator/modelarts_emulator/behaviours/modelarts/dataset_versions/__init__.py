"""Operations of the area dataset-versions."""
