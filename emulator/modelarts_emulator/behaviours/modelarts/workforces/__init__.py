"""Operations of the area workforces."""
