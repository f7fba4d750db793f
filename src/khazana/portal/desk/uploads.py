"""Files that people hand in: bounded, read once, never served again as they came."""

from dataclasses import dataclass

from django.http import HttpRequest

from khazana.errors import KhazanaError

MOST_OFFICE_BYTES = 1 << 20
MOST_STATEMENT_BYTES = 1 << 26


@dataclass(eq=False, kw_only=True)
class UploadRefused(KhazanaError):
    """A file that was not taken."""

    problem: str
    code = "upload_refused"
    words = "The file was not taken: {problem}."


def uploaded(request: HttpRequest, name: str, *, most: int) -> bytes:
    """The bytes of the file in a form's field; its name and type are nobody's business."""
    file = request.FILES.get(name)
    if file is None or file.size is None:
        raise UploadRefused(problem="there is none")
    if file.size > most:
        raise UploadRefused(problem=f"it has more than {most} bytes")
    return bytes(file.read())
