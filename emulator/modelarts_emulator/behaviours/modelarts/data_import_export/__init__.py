"""Operations of the area data-import-export."""
