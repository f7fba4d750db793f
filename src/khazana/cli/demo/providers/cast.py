"""The three providers of the demo: two honest ones, and one of the Drill Office's that lies."""

from khazana.cli.demo import directory as lies
from khazana.cli.demo.names import names
from khazana.cli.demo.providers.provider import PKR, USD, Licensed

CHINAR = Licensed(
    slug="chinar-exchange",
    name=names(
        "Chinar Exchange (fictional)",
        "چنار ایکسچینج (فرضی)",
        "منصة تشينار (وهمية)",
        "Casa Chinar (ficticia)",
    ),
    licence="PK-DEMO-0001",
    state=lies.PAKISTAN,
    timezone="Asia/Karachi",
    money=PKR,
)
TOROGOZ = Licensed(
    slug="torogoz-wallet",
    name=names(
        "Torogoz Wallet (fictional)",
        "توروگوز والٹ (فرضی)",
        "محفظة توروغوز (وهمية)",
        "Cartera Torogoz (ficticia)",
    ),
    licence="SV-DEMO-0001",
    state=lies.EL_SALVADOR,
    timezone="America/El_Salvador",
    money=USD,
)
DRILL = Licensed(
    slug="drill-exchange",
    name=names(
        "Drill Exchange (fictional, it lies)",
        "مشقی ایکسچینج (فرضی، جھوٹی)",
        "منصة التدريب (وهمية، تكذب)",
        "Casa de Simulacro (ficticia, miente)",
    ),
    licence="DRILL-0001",
    state=lies.DRILL,
    timezone="Etc/UTC",
    money=USD,
    kept_percent=(103, 93, 85),
)
HONEST = (CHINAR, TOROGOZ)
EVERYBODY = (*HONEST, DRILL)
