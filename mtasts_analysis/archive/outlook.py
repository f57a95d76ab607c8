"""An Outlook .msg → its header text and attachments, through the extra `msg`."""

from io import BytesIO

from mtasts_analysis.errors import MissingExtraError


def read(data: bytes) -> tuple[bytes, list[bytes]]:
    """Give the internet header and the attachments of a .msg.

    Raises
    ------
    MissingExtraError
        The extra is not installed.
    ValueError
        The file is no .msg that can be read.
    """
    try:
        import extract_msg  # noqa: PLC0415  # an extra
    except ImportError:
        raise MissingExtraError("reading an Outlook .msg", "msg") from None
    try:
        with extract_msg.openMsg(BytesIO(data)) as message:
            header = message.header.as_bytes()  # type: ignore[attr-defined]  # of a mail; else it raises
            attachments = [a.data for a in message.attachments if isinstance(a.data, bytes)]
    except Exception as error:
        # A stranger's file meets a parser that is not ours: whatever it raises is that file's fault.
        raise ValueError(f"no readable .msg: {type(error).__name__}") from error
    return header, attachments
