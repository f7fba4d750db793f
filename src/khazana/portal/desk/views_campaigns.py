"""The campaign of proofs, at the desk: which keys show, what goes out, what came back."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from khazana.custody.qr_images import moving_picture, still_picture
from khazana.custody.qr_parts import PSBT, TEXT, split_qr
from khazana.errors import KhazanaError
from khazana.portal.accounts.roles import PREPARES
from khazana.portal.accounts.sessions import person_of
from khazana.portal.audit.record import record
from khazana.portal.desk.campaigns import begin_campaign, take_returned
from khazana.portal.desk.models import CampaignRow, CampaignState, DraftRow, ReturnedState
from khazana.portal.desk.steps import OPEN
from khazana.portal.desk.uploads import MOST_OFFICE_BYTES, UploadRefused
from khazana.reserve.reading import read_reserve_statement

MESSAGE = 0
"""The number of the line itself, for devices that sign no PSBT; files to sign begin with 1."""


def campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the proofs stand; asked for, or asked for anew, by POST."""
    row = get_object_or_404(DraftRow, pk=pk, raw__isnull=False)
    if request.method == "POST":
        batch = request.POST.getlist("batch")
        try:
            begin_campaign(pk, batch=batch, by=person_of(request).username)
        except KhazanaError as error:
            return _shown(request, row, problems=[str(error)])
        return redirect("campaign", pk)
    return _shown(request, row)


def returned(request: HttpRequest, pk: int) -> HttpResponse:
    """Signed files come back, several at once if need be."""
    row = get_object_or_404(DraftRow, pk=pk, raw__isnull=False)
    try:
        files = []
        for file in request.FILES.getlist("files"):
            if file.size is None or file.size > MOST_OFFICE_BYTES:
                raise UploadRefused(problem=f"it has more than {MOST_OFFICE_BYTES} bytes")
            files.append(bytes(file.read()))
        if not files:
            raise UploadRefused(problem="there is none")
        take_returned(pk, files, by=person_of(request).username)
    except KhazanaError as error:
        return _shown(request, row, problems=[str(error)])
    return redirect("campaign", pk)


def round_file(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """One file to sign; that it was taken is an act."""
    name, raw = _outgoing(request, pk, number)
    kind = "txt" if number == MESSAGE else "psbt"
    answer = HttpResponse(raw, content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return answer


def round_codes(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The same as QR codes: in turn for cameras that follow, and one by one."""
    name, raw = _outgoing(request, pk, number)
    parts = split_qr(raw, file_type=TEXT if number == MESSAGE else PSBT)
    stills = [
        still_picture(part, caption=f"{name}: {place} of {len(parts)}").decode()
        for place, part in enumerate(parts, 1)
    ]
    moving = moving_picture(parts, caption=name).decode() if len(parts) > 1 else ""
    context = {"draft": pk, "name": name, "moving": moving, "stills": stills}
    return render(request, "desk/codes.html", context)


def _outgoing(request: HttpRequest, pk: int, number: int) -> tuple[str, bytes]:
    found = get_object_or_404(CampaignRow, draft=pk, state=CampaignState.PLANNED)
    if number == MESSAGE:
        name, raw = "message", found.message.encode()
    else:
        each = get_object_or_404(found.rounds, number=number)
        name, raw = each.name, bytes(each.psbt)
    actor, root = person_of(request).username, found.draft.root
    record("proof taken to sign", actor=actor, subject=root, detail={"file": name})
    return name, raw


def _shown(
    request: HttpRequest, row: DraftRow, *, problems: list[str] | None = None
) -> HttpResponse:
    found = CampaignRow.objects.filter(draft=row).first()
    files = [] if found is None else list(found.returned.defer("raw"))
    planning = found is not None and found.state == CampaignState.WAITING
    judging = any(each.state == ReturnedState.WAITING for each in files)
    context = {
        "draft": row,
        "campaign": found,
        "rounds": [] if found is None else found.rounds.defer("psbt"),
        "files": files,
        "wallets": sorted(read_reserve_statement(bytes(row.raw or b"")).descriptors),
        "problems": problems or [],
        "planning": planning,
        "waiting": planning or judging,
        "prepares": person_of(request).role in PREPARES and row.state in OPEN,
    }
    return render(request, "desk/campaign.html", context, status=422 if problems else 200)
