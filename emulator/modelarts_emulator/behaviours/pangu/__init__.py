"""Operations of Pangu."""
