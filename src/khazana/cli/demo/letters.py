"""The texts that the demo's offices sign: the ready ones, with invented parties and promises."""

from dataclasses import dataclass
from datetime import date, timedelta

from khazana.accord.agreement.read import read_agreement
from khazana.accord.agreement.shipped import shipped_agreement_bytes
from khazana.accord.agreement.signed import minutes_digest
from khazana.cli.demo import directory as lies
from khazana.cli.demo.names import EL_SALVADOR_OFFICE, PAKISTAN_OFFICE, names, toml_names
from khazana.cli.demo.timeline import OPENING, Timeline
from khazana.ledger.accounts import Names
from khazana.statement.checks import TEST_NOTICE

_NOTICE = names(
    "SYNTHETIC: test network, invented figures. Nobody signed such a paper.",
    "مصنوعی: آزمائشی نیٹ ورک، فرضی اعداد۔ ایسے کاغذ پر کسی نے دستخط نہیں کیے۔",
    "اصطناعي: شبكة اختبار وأرقام مختلقة. لم يوقّع أحد ورقة كهذه.",
    "SINTÉTICO: red de prueba, cifras inventadas. Nadie firmó un papel así.",
)
_SOURCE = f"invented for the demo; {TEST_NOTICE}"

MINUTES = f"""\
SYNTHETIC minutes of an invented visit. {TEST_NOTICE}.

1. Each delegation showed how it copies, cosigns and checks the other's log.
2. A statement of Pakistan was replaced after a paper was found. Pakistan will enter a signed
   correction of the first one in its log.
3. El Salvador will draft a third version with what the first year taught.
"""

_EDUCATION = {
    "without asking.": "without asking, and lessons are exchanged twice a year.",
    "پوچھے بغیر جانچ سکتا ہے۔": "پوچھے بغیر جانچ سکتا ہے، اور اسباق سال میں دو بار دیے جاتے ہیں۔",
    "دون أن يسأله.": "دون أن يسأله، ويجري تبادل الدروس مرتين في السنة.",
    "sin preguntarle.": "sin preguntarle, y las lecciones se intercambian dos veces al año.",
}
"""What the second version changes in an article, in every language at once."""


@dataclass(frozen=True, kw_only=True)
class Days:
    """When it happens in the story: signing, the visit, the amendment; blocks of those days."""

    signed: int
    visited: int
    amended: int

    @staticmethod
    def of(timeline: Timeline) -> "Days":
        last = timeline.periods - 1
        return Days(
            signed=timeline.within(2, 30),
            visited=timeline.within(last, 50),
            amended=timeline.within(last, 70),
        )


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A commitment as the demo writes it."""

    id: str
    owner: str
    since: date
    due: date
    words: Names
    kind: str
    count: int = 1


def letter(timeline: Timeline, fingerprints: dict[str, str]) -> str:
    """The first version of the letter between the two states' offices."""
    days = Days.of(timeline)
    agreed = _day(timeline, days.signed)
    head = _head(
        "demo-letter",
        "letter-of-intent",
        "bitcoin",
        agreed,
        names(
            "Letter of intent between two Bitcoin offices (demo)",
            "دو بٹ کوائن دفاتر کے درمیان ارادہ نامہ (نمونہ)",
            "خطاب نوايا بين مكتبين للبيتكوين (عرض تجريبي)",
            "Carta de intención entre dos oficinas de Bitcoin (demostración)",
        ),
    )
    parties = [
        _office(lies.PAKISTAN, PAKISTAN_OFFICE, fingerprints[lies.PAKISTAN]),
        _office(lies.EL_SALVADOR, EL_SALVADOR_OFFICE, fingerprints[lies.EL_SALVADOR]),
    ]
    promised = map(_commitment, _promises(timeline, agreed))
    return "\n".join([head, *parties, _articles("letter_of_intent"), *promised])


def amended_letter(first: str, timeline: Timeline) -> str:
    """The second version: a sentence changed in every language, a visit, and what it led to."""
    before, days = read_agreement("letter.toml", first.encode()), Days.of(timeline)
    text = first.replace("version = 1", f'version = 2\nprevious = "{before.digest}"')
    signed = f"agreed = {_day(timeline, days.signed)}"
    text = text.replace(signed, f"agreed = {_day(timeline, days.amended)}")
    for was, now in _EDUCATION.items():
        if text.count(was) != 1:
            raise ValueError(f"the ready letter says {was!r} {text.count(was)} times")
        text = text.replace(was, now)
    actions = _actions(timeline)
    listed = ", ".join(f'"{each.id}"' for each in actions)
    place = names(
        "an invented ministry",
        "ایک فرضی وزارت",
        "وزارة مختلقة",
        "un ministerio inventado",
    )
    summary = names(
        "The delegations compared their logs and agreed on two actions.",
        "وفود نے اپنے لاگ کا موازنہ کیا اور دو کاموں پر اتفاق کیا۔",
        "قارن الوفدان سجليهما واتفقا على إجراءين.",
        "Las delegaciones compararon sus registros y acordaron dos acciones.",
    )
    visit = f"""
[[visit]]
id = "first-visit"
on = {_day(timeline, days.visited)}
place = {toml_names(place)}
host = "{lies.PAKISTAN}"
guests = ["{lies.EL_SALVADOR}"]
minutes = "{minutes_digest(MINUTES)}"
summary = {toml_names(summary)}
actions = [{listed}]
"""
    return "\n".join([text, *map(_commitment, actions), visit])


def company_letter(timeline: Timeline, fingerprint: str) -> str:
    """A letter with an invented private company that names its owners and interests."""
    head = _head(
        "demo-company-letter",
        "letter-of-intent",
        "none",
        _day(timeline, Days.of(timeline).signed),
        names(
            "Letter of intent with a private company on blockchain adoption (demo)",
            "بلاک چین اپنانے پر ایک نجی کمپنی کے ساتھ ارادہ نامہ (نمونہ)",
            "خطاب نوايا مع شركة خاصة بشأن تبني سلسلة الكتل (عرض تجريبي)",
            "Carta de intención con una empresa privada sobre la adopción de blockchain "
            "(demostración)",
        ),
    )
    company = _company(
        "drill-ledger-company",
        names(
            "Drill Ledger Company (fictional)",
            "ڈرل لیجر کمپنی (فرضی)",
            "شركة دريل ليدجر (خيالية)",
            "Compañía Drill Ledger (ficticia)",
        ),
        owners=[("Person One (invented)", "60 %"), ("Person Two (invented)", "40 %")],
        interests=[("Person Two (invented)", "sold machines to a mining site of the state")],
    )
    party = _office(lies.PAKISTAN, PAKISTAN_OFFICE, fingerprint)
    return "\n".join([head, party, company, _articles("company_letter")])


def stablecoin_memorandum(timeline: Timeline, fingerprint: str) -> str:
    """A memorandum on an invented stablecoin: a claim on an issuer, never counted as bitcoin."""
    head = _head(
        "demo-stablecoin-memorandum",
        "memorandum",
        "stablecoin",
        _day(timeline, Days.of(timeline).signed),
        names(
            "Memorandum of understanding on a stablecoin (demo)",
            "سٹیبل کوائن پر مفاہمت کی یادداشت (نمونہ)",
            "مذكرة تفاهم بشأن عملة مستقرة (عرض تجريبي)",
            "Memorando de entendimiento sobre una moneda estable (demostración)",
        ),
    )
    issuer = _company(
        "drill-coin-issuer",
        names(
            "Drill Coin Issuer (fictional)",
            "ڈرل کوائن جاری کنندہ (فرضی)",
            "جهة إصدار دريل كوين (خيالية)",
            "Emisor de Drill Coin (ficticio)",
        ),
        owners=[("Drill Holding (invented)", "100 %; behind it Person Three (invented)")],
        interests=[("Person Three (invented)", "holds 5 % of the coins that the issuer owes")],
    )
    party = _office(lies.PAKISTAN, PAKISTAN_OFFICE, fingerprint)
    articles = _articles("stablecoin_memorandum").replace("USD1", "Drill Coin")
    return "\n".join([head, party, issuer, articles])


def _promises(timeline: Timeline, agreed: date) -> list[Promise]:
    closed, later = _day(timeline, timeline.last_close), timeline.ends + timedelta(days=60)
    statements = names(
        "Two signed statements of holdings",
        "ملکیت کے دو دستخط شدہ گوشوارے",
        "بيانان موقعان بما يملك",
        "Dos estados de tenencias firmados",
    )
    verdicts = names(
        "Signed verdicts on the other office's statements, two at least",
        "دوسرے دفتر کے گوشواروں پر دستخط شدہ فیصلے، کم از کم دو",
        "أحكام موقعة على بيانات المكتب الآخر، اثنان على الأقل",
        "Dictámenes firmados sobre los estados de la otra oficina, al menos dos",
    )
    found = []
    for office in (lies.PAKISTAN, lies.EL_SALVADOR):
        for what, words, kind, due in (
            ("statements", statements, "statement", closed),
            ("verdicts", verdicts, "verdict", later),
        ):
            found.append(
                Promise(
                    id=f"{office}-{what}",
                    owner=office,
                    since=agreed,
                    due=due,
                    words=words,
                    kind=kind,
                    count=2,
                )
            )
    sealed = Promise(
        id="sealed-wallet",
        owner=lies.EL_SALVADOR,
        since=_day(timeline, OPENING),
        due=later,
        words=names(
            "The sealed wallet is opened, so that its hash can be checked",
            "مہر بند والٹ کھولا جاتا ہے تاکہ اس کا ہیش جانچا جا سکے",
            "تُفتح المحفظة المختومة ليمكن التحقق من بصمتها",
            "Se abre el monedero sellado, para que se compruebe su hash",
        ),
        kind="wallet-commitment",
    )
    return [*found, sealed]


def _actions(timeline: Timeline) -> list[Promise]:
    days = Days.of(timeline)
    return [
        Promise(
            id="correction",
            owner=lies.PAKISTAN,
            since=_day(timeline, days.visited),
            due=_day(timeline, timeline.within(timeline.periods, 80)),
            words=names(
                "A signed correction of the statement that was replaced",
                "بدلے گئے گوشوارے کی دستخط شدہ تصحیح",
                "تصحيح موقع للبيان الذي استُبدل",
                "Una corrección firmada del estado que fue reemplazado",
            ),
            kind="correction",
        ),
        Promise(
            id="third-version",
            owner=lies.EL_SALVADOR,
            since=_day(timeline, days.signed),
            due=timeline.ends + timedelta(days=180),
            words=names(
                "A third version, with what the first year taught",
                "تیسرا نسخہ، پہلے سال کے سبق کے ساتھ",
                "نسخة ثالثة بما علّمته السنة الأولى",
                "Una tercera versión, con lo que enseñó el primer año",
            ),
            kind="agreement",
            count=3,
        ),
    ]


def _head(id_: str, kind: str, asset: str, agreed: date, title: Names) -> str:
    return f"""\
# {TEST_NOTICE}.
format = "khazana.agreement/1"

[agreement]
id = "{id_}"
kind = "{kind}"
version = 1
test = true
binding = false
asset = "{asset}"
languages = ["en", "ur", "ar", "es"]
authentic = "en"
agreed = {agreed}
title = {toml_names(title)}
notice = {toml_names(_NOTICE)}
source = "{_SOURCE}"
"""


def _office(id_: str, name: Names, fingerprint: str) -> str:
    return f"""\
[[party]]
id = "{id_}"
kind = "office"
name = {toml_names(name)}
office = "{fingerprint}"
"""


def _company(
    id_: str, name: Names, *, owners: list[tuple[str, str]], interests: list[tuple[str, str]]
) -> str:
    lines = ["[[party]]", f'id = "{id_}"', 'kind = "company"', f"name = {toml_names(name)}"]
    for key, items in (("owner", owners), ("interest", interests)):
        for who, what in items:
            lines += ["", f"[[party.{key}]]", f'who = "{who}"', f'what = "{what}"']
            lines.append('source = "the company\'s declaration, invented"')
    return "\n".join([*lines, ""])


def _articles(shipped: str) -> str:
    """The articles of a ready text, without its parties and commitments."""
    text = shipped_agreement_bytes(shipped).decode()
    text = text[text.index("[[article]]") :]
    return text.partition("[[commitment]]")[0]


def _commitment(each: Promise) -> str:
    article = "policy" if each.kind == "agreement" else "reserves"
    return f"""
[[commitment]]
id = "{each.id}"
article = "{article}"
owner = "{each.owner}"
since = {each.since}
due = {each.due}
words = {toml_names(each.words)}
proof = {{ kind = "{each.kind}", by = "{each.owner}", count = {each.count} }}
"""


def _day(timeline: Timeline, height: int) -> date:
    return timeline.instant(height).date()
