"""Operations of ModelArts."""
