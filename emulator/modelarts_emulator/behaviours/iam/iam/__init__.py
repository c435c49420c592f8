"""Operations of the area iam."""
