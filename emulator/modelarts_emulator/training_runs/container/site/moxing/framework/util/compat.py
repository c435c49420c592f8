"""Text and bytes."""


def as_bytes(text, encoding: str = "utf-8") -> bytes:
    """The text in bytes."""
    return text if isinstance(text, bytes) else text.encode(encoding)


def as_text(text, encoding: str = "utf-8") -> str:
    """The bytes as text."""
    return text if isinstance(text, str) else text.decode(encoding)


as_str = as_text
