"""Operations of the area samples."""
