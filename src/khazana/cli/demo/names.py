"""Names of the demo's offices, bodies, wallets and perimeters in four languages."""

from khazana.ledger.accounts import Names


def names(en: str, ur: str, ar: str, es: str) -> Names:
    return {"en": en, "ur": ur, "ar": ar, "es": es}


def toml_names(name: Names) -> str:
    """A name in its languages as a TOML table on one line."""
    return "{ " + ", ".join(f'{language} = "{text}"' for language, text in name.items()) + " }"


def site_names(number: int) -> Names:
    """The wallet into which the pool pays a mining site."""
    return names(
        f"Site {number}, mining payouts",
        f"سائٹ {number}، مائننگ کی ادائیگیاں",
        f"الموقع {number}، مدفوعات التعدين",
        f"Sitio {number}, pagos de minería",
    )


# Pakistan
PAKISTAN_OFFICE = names(
    "Pakistan Bitcoin Office (demo)",
    "پاکستان بٹ کوائن دفتر (نمونہ)",
    "مكتب البيتكوين في باكستان (عرض تجريبي)",
    "Oficina Bitcoin de Pakistán (demostración)",
)
PAKISTAN_BITCOIN_OFFICE = names(
    "Bitcoin Office", "بٹ کوائن دفتر", "مكتب البيتكوين", "Oficina Bitcoin"
)
CUSTOMS = names("Customs", "کسٹمز", "الجمارك", "Aduanas")
SITE_COMPANY = names(
    "Power Site Company", "پاور سائٹ کمپنی", "شركة مواقع الطاقة", "Empresa de Sitios Eléctricos"
)
POST_COMPANY = names("Postal Company", "ڈاک کمپنی", "شركة البريد", "Empresa de Correos")
RESERVE_COLD = names(
    "Reserve, cold storage",
    "ریزرو، کولڈ اسٹوریج",
    "الاحتياطي، تخزين غير متصل",
    "Reserva, almacenamiento en frío",
)
RESERVE_OPERATIONS = names(
    "Reserve, operations", "ریزرو، روزمرہ امور", "الاحتياطي، العمليات", "Reserva, operaciones"
)
CUSTOMS_CUSTODY = names("Customs custody", "کسٹمز کی تحویل", "عهدة الجمارك", "Custodia de Aduanas")
ACCOUNT_AT_EXCHANGE = names(
    "Account at Exchange A", "ایکسچینج اے میں کھاتہ", "حساب لدى المنصة أ", "Cuenta en Exchange A"
)
STRATEGIC_RESERVE = names(
    "Strategic Bitcoin reserve",
    "اسٹریٹجک بٹ کوائن ریزرو",
    "الاحتياطي الاستراتيجي من البيتكوين",
    "Reserva estratégica de bitcoin",
)
CUSTOMS_LATE = names(
    "Customs, evidence wallet found later",
    "کسٹمز، بعد میں ملا ثبوت کا والٹ",
    "الجمارك، محفظة أدلة عُثر عليها لاحقًا",
    "Aduanas, monedero de pruebas hallado después",
)
OUTSIDE_RESERVE = names(
    "Public bodies outside the reserve",
    "ریزرو سے باہر سرکاری ادارے",
    "جهات عامة خارج الاحتياطي",
    "Organismos públicos fuera de la reserva",
)
STATE_BANK = names("Central bank", "مرکزی بینک", "البنك المركزي", "Banco central")
PUBLIC_SECTOR = names("Public sector", "سرکاری شعبہ", "القطاع العام", "Sector público")

# El Salvador
EL_SALVADOR_OFFICE = names(
    "El Salvador Bitcoin Office (demo)",
    "ایل سلواڈور بٹ کوائن دفتر (نمونہ)",
    "مكتب البيتكوين في السلفادور (عرض تجريبي)",
    "Oficina Bitcoin de El Salvador (demostración)",
)
EL_SALVADOR_BITCOIN_OFFICE = names(
    "Bitcoin Office", "بٹ کوائن دفتر", "مكتب البيتكوين", "Oficina Bitcoin"
)
TREASURY = names("Treasury", "خزانہ", "الخزانة", "Tesorería")
ENERGY_COMPANY = names(
    "State Energy Company",
    "سرکاری توانائی کمپنی",
    "شركة الطاقة الحكومية",
    "Empresa Estatal de Energía",
)
WALLET_COMPANY = names(
    "Public Wallet Company",
    "سرکاری والٹ کمپنی",
    "شركة المحافظ العامة",
    "Empresa Pública de Billetera",
)
WATER_AGENCY = names("Water Agency", "محکمہ آب", "هيئة المياه", "Agencia del Agua")
ROAD_FUND = names("Road Fund", "سڑک فنڈ", "صندوق الطرق", "Fondo Vial")
FUND = names(
    "Strategic Bitcoin reserve fund",
    "اسٹریٹجک بٹ کوائن ریزرو فنڈ",
    "صندوق الاحتياطي الاستراتيجي من البيتكوين",
    "Fondo de la reserva estratégica de bitcoin",
)
TREASURY_RESERVE = names(
    "Treasury reserve", "خزانے کا ریزرو", "احتياطي الخزانة", "Reserva de Tesorería"
)
TREASURY_ROTATED = names(
    "Treasury reserve, renewed quorum",
    "خزانے کا ریزرو، نیا دستخطی کورم",
    "احتياطي الخزانة، نصاب توقيع مُجدَّد",
    "Reserva de Tesorería, quórum renovado",
)
TREASURY_SECOND = names(
    "Treasury, second reserve",
    "خزانہ، دوسرا ریزرو",
    "الخزانة، الاحتياطي الثاني",
    "Tesorería, segunda reserva",
)
ENERGY_MINED = names("Mined coins", "مائن کیے گئے سکے", "عملات مُعدَّنة", "Monedas minadas")
CLIENT_DEPOSITS = names(
    "Clients' deposits", "صارفین کی امانتیں", "ودائع العملاء", "Depósitos de clientes"
)
COMPANY_OWN = names(
    "The company's own coins",
    "کمپنی کے اپنے سکے",
    "عملات الشركة نفسها",
    "Monedas propias de la empresa",
)
FUND_PAGE = names(
    "The fund (its public page)",
    "فنڈ (اس کا عوامی صفحہ)",
    "الصندوق (صفحته العامة)",
    "El fondo (su página pública)",
)
GENERAL_GOVERNMENT = names(
    "General government", "عمومی حکومت", "الحكومة العامة", "Gobierno general"
)
LENDERS_PUBLIC_SECTOR = names(
    "Public sector (the lender's perimeter)",
    "سرکاری شعبہ (قرض دہندہ کی گنتی میں شامل ادارے)",
    "القطاع العام (نطاق الجهات المشمولة لدى المُقرِض)",
    "Sector público (perímetro de consolidación del acreedor)",
)

# The fictional office
DRILL_OFFICE = names(
    "Drill Office (fictional)",
    "مشقی دفتر (فرضی)",
    "مكتب التدريب (وهمي)",
    "Oficina de Simulacro (ficticia)",
)
DRILL_VAULT = names("Drill vault", "مشقی تجوری", "خزنة التدريب", "Bóveda de simulacro")
DRILL_MEMBERS = names("All of the drill", "پوری مشق", "التدريب كله", "Todo el simulacro")
DRILL_WORKS = names(
    "Drill Power Works (fictional)",
    "مشقی بجلی گھر (فرضی)",
    "محطة كهرباء التدريب (وهمية)",
    "Central Eléctrica de Simulacro (ficticia)",
)
DRILL_SITE_MINING = names(
    "Drill site, mining payouts",
    "مشقی سائٹ، مائننگ کی ادائیگیاں",
    "موقع التدريب، مدفوعات التعدين",
    "Sitio de simulacro, pagos de minería",
)

# The lender's conditions, invented
EL_SALVADOR_ARRANGEMENT = names(
    "El Salvador, example arrangement (invented)",
    "ایل سلواڈور، قرض پروگرام کا نمونہ (فرضی)",
    "السلفادور، اتفاق تمويل نموذجي (غير حقيقي)",
    "El Salvador, acuerdo de ejemplo (ficticio)",
)
PAKISTAN_ARRANGEMENT = names(
    "Pakistan, example arrangement (invented)",
    "پاکستان، قرض پروگرام کا نمونہ (فرضی)",
    "باكستان، اتفاق تمويل نموذجي (غير حقيقي)",
    "Pakistán, acuerdo de ejemplo (ficticio)",
)
DRILL_ARRANGEMENT = names(
    "Drill Office, example arrangement (invented)",
    "مشقی دفتر، قرض پروگرام کا نمونہ (فرضی)",
    "مكتب التدريب، اتفاق تمويل نموذجي (غير حقيقي)",
    "Oficina de Simulacro, acuerdo de ejemplo (ficticio)",
)
NO_ACCUMULATION = names(
    "No voluntary accumulation of bitcoin by the public sector",
    "سرکاری شعبے کے بٹ کوائن ذخیرے میں کوئی رضاکارانہ اضافہ نہیں",
    "لا تراكم طوعي للبيتكوين لدى القطاع العام",
    "Ninguna acumulación voluntaria de bitcoin por el sector público",
)
NO_ACCUMULATION_ELSEWHERE = names(
    "No voluntary accumulation outside the reserve",
    "ریزرو سے باہر ذخیرے میں کوئی رضاکارانہ اضافہ نہیں",
    "لا تراكم طوعي خارج الاحتياطي",
    "Ninguna acumulación voluntaria fuera de la reserva",
)
NO_PURCHASE_OR_MINING = names(
    "No bitcoin bought or mined by the public sector",
    "سرکاری شعبہ نہ بٹ کوائن خریدے گا نہ مائن کرے گا",
    "لا يشتري القطاع العام البيتكوين ولا يعدّنه",
    "Ningún bitcoin comprado ni minado por el sector público",
)
STOCK_CEILING = names(
    "Ceiling on the public sector's stock of bitcoin",
    "سرکاری شعبے کے پاس موجود بٹ کوائن کی بالائی حد",
    "سقف ما يحوزه القطاع العام من البيتكوين",
    "Techo del bitcoin en poder del sector público",
)
PURCHASE_CEILING = names(
    "Ceiling on bitcoin bought and mined between two reviews",
    "دو جائزوں کے درمیان خریدے اور مائن کیے گئے بٹ کوائن کی بالائی حد",
    "سقف ما يُشترى ويُعدَّن من البيتكوين بين مراجعتين",
    "Techo del bitcoin comprado y minado entre dos revisiones",
)
WALLET_STATEMENT = names(
    "A signed statement of every public wallet each quarter",
    "ہر سہ ماہی میں تمام سرکاری والٹس کا دستخط شدہ گوشوارہ",
    "بيان موقَّع بكل محافظ الدولة في كل ربع سنة",
    "Un estado firmado de cada monedero público por trimestre",
)
NET_RESERVES = names(
    "Floor on net international reserves",
    "خالص بین الاقوامی ذخائر کی زیریں حد",
    "حد أدنى لصافي الاحتياطيات الدولية",
    "Piso de las reservas internacionales netas",
)
