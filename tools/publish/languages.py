"""Languages in the form that players need: BCP 47 tags, and names in the language itself.

Containers have ISO 639-2 codes of three letters, for some languages one of two (`ger` and `deu`);
BCP 47 requires the code of two letters if there is one. A language that is not in this table keeps
its code, which is correct if it has no shorter one.
"""

import re
from dataclasses import dataclass

_TABLE = """
ar ara العربية
bg bul Български
bn ben বাংলা
ca cat Català
cs cze,ces Čeština
da dan Dansk
de ger,deu Deutsch
el gre,ell Ελληνικά
en eng English
es spa Español
et est Eesti
eu baq,eus Euskara
fa per,fas فارسی
fi fin Suomi
fr fre,fra Français
ga gle Gaeilge
gl glg Galego
he heb עברית
hi hin हिन्दी
hr hrv Hrvatski
hu hun Magyar
hy arm,hye Հայերեն
id ind Indonesia
is ice,isl Íslenska
it ita Italiano
ja jpn 日本語
ka geo,kat ქართული
kk kaz Қазақша
ko kor 한국어
lt lit Lietuvių
lv lav Latviešu
mk mac,mkd Македонски
ms may,msa Melayu
nb nob Bokmål
nl dut,nld Nederlands
nn nno Nynorsk
no nor Norsk
pl pol Polski
pt por Português
ro rum,ron Română
ru rus Русский
sk slo,slk Slovenčina
sl slv Slovenščina
sq alb,sqi Shqip
sr srp Српски
sv swe Svenska
ta tam தமிழ்
te tel తెలుగు
th tha ไทย
tr tur Türkçe
uk ukr Українська
ur urd اردو
vi vie Tiếng Việt
zh chi,zho 中文
"""
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_NO_LANGUAGE = frozenset({"und", "mis", "mul", "zxx"})


@dataclass(frozen=True, slots=True)
class Language:
    """A language: its BCP 47 tag, and its name in the language itself."""

    tag: str
    name: str


def _languages() -> dict[str, Language]:
    found = {}
    for line in _TABLE.strip().splitlines():
        tag, codes, name = line.split(" ", 2)
        for code in (tag, *codes.split(",")):
            found[code] = Language(tag, name)
    return found


_BY_CODE = _languages()


def language_of(code: str) -> Language | None:
    """Return the language of a container's code; None if the code names no language.

    >>> language_of("ger")
    Language(tag='de', name='Deutsch')
    >>> language_of("pt-BR")
    Language(tag='pt-BR', name='Português (BR)')
    """
    if not _TAG.fullmatch(code) or code.lower() in _NO_LANGUAGE:
        return None
    primary, _, rest = code.partition("-")
    known = _BY_CODE.get(primary.lower(), Language(primary.lower(), primary.lower()))
    return Language(f"{known.tag}-{rest}", f"{known.name} ({rest})") if rest else known
