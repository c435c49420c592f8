"""Operations of the area processing."""
