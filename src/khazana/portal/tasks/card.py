"""The card of the chain on the desk's first page; a script keeps its figures in step."""

from typing import Any

from django.utils.html import format_html
from django.utils.translation import get_language

from khazana.portal.formatting.dates import instant_text
from khazana.portal.tasks.models import TipRow


def chain_card() -> dict[str, Any]:
    """Newest block, when it was seen, and above which height blocks were replaced, if any were.

    Each figure stands in an element with a name of its own, which `news.js` fills anew.
    """
    tip = TipRow.objects.first()
    language = (get_language() or "en").partition("-")[0]
    seen = "" if tip is None else instant_text(tip.seen_at, language=language)
    figure = '<bdi dir="ltr" class="mono" id="{}">{}</bdi>'
    return {
        "there": tip is not None,
        "number": "" if tip is None else tip.height,
        "height": format_html(figure, "tip-height", "" if tip is None else tip.height),
        "time": format_html('<bdi id="tip-seen">{}</bdi>', seen),
        "replaced": tip is not None and tip.replaced_from is not None,
        "from": format_html(
            figure, "tip-replaced-from", "" if tip is None else tip.replaced_from or ""
        ),
    }
