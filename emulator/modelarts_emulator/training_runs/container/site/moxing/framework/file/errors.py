"""What can go wrong with a file."""


class MoxFileBaseException(Exception):
    """Anything that goes wrong here."""


class MoxFileNotExistsException(MoxFileBaseException):
    """There is no such file or directory."""


class MoxFileReadException(MoxFileBaseException):
    """A file cannot be read."""


class MoxFileNameDuplicateException(MoxFileBaseException):
    """A file and a directory have one name."""


class MoxFileRespException(MoxFileBaseException):
    """OBS has refused. resp: its answer, with status, reason and body."""

    def __init__(self, resp, what: str):
        super().__init__(
            f"{what}: OBS answers {resp.status} {resp.reason}: {resp.body[:500].decode(errors='replace')}"
        )
        self.resp = resp
