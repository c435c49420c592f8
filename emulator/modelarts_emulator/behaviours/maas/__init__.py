"""Operations of MaaS."""
