"""Operations of the area workspaces."""
