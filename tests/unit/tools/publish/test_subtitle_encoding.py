# ruff: noqa: RUF001 - text in other scripts
"""The encoding of subtitles, which no container declares."""

import pytest

from tools.publish.subtitle_encoding import encoding_of


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Déjà vu, garçon ?", "utf-8"),
        ("Déjà vu, garçon ?", "latin-1"),
        ("“Crème brûlée”, 5 €", "cp1252"),
        ("Привет, мир! Это русские субтитры, и их довольно много. " * 5, "cp1251"),
        ("Καλημέρα κόσμε, αυτοί είναι ελληνικοί υπότιτλοι. " * 5, "cp1253"),
        ("これは日本語の字幕です。とても長い文章です。" * 5, "shift_jis"),
        ("Plain words, and déjà vu", "utf-16-le"),
        ("Привет, мир", "utf-16-le"),
        ("Привет, мир", "utf-16-be"),
        ("これは日本語の字幕です。", "iso2022_jp"),
    ],
)
def test_encodings(text: str, encoding: str) -> None:
    """Letters are decoded correctly without a declared encoding."""
    cues = [f"{text} {number}".encode(encoding) for number in range(3)]

    assert b"".join(cues).decode(encoding_of(cues)) == b"".join(cues).decode(encoding)


@pytest.mark.parametrize(
    ("language", "encoding", "text"),
    [
        ("ja", "shift_jis", "ありがとう"),
        ("ja", "shift_jis", "ケーキを食べたい"),
        ("ja", "euc_jp", "待ってくれ！"),
        ("ja", "iso2022_jp", "はい"),
        ("zh-TW", "big5", "謝謝"),
        ("zh", "big5", "我不知道"),
        ("zh", "gb18030", "我不知道"),
        ("ko", "euc_kr", "안녕하세요"),
        ("ru", "cp1251", "Да"),
        ("ru", "koi8-r", "Да"),
        ("ru", "cp866", "Где он?"),
        ("ru", "iso8859-5", "Да"),
        ("ru", "utf-16-le", "Да"),
        ("ru", "utf-16-be", "Да"),
        ("uk", "cp1251", "Їдьмо додому"),
        ("el", "cp1253", "Πού είναι;"),
        ("he", "cp1255", "שלום"),
        ("ar", "cp1256", "شكرا"),
        ("th", "cp874", "ขอบคุณ"),
        ("pl", "cp1250", "Dziękuję, żono"),
        ("pl", "iso8859-2", "Już idę"),
        ("cs", "cp1250", "Žádný problém"),
        ("hu", "cp1250", "Hol van ő?"),
        ("tr", "cp1254", "Işığı kapat"),
        ("lt", "cp1257", "Nežinau"),
        ("fr", "cp1252", "Où ça ?"),
        ("de", "latin-1", "Für dich"),
    ],
)
def test_a_few_words_in_a_known_language(language: str, encoding: str, text: str) -> None:
    """One short cue is decoded correctly if the language of its track is known."""
    words = text.encode(encoding)

    assert words.decode(encoding_of([words], language)) == text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("shift_jis", "待ってくれ！ 行くな"),
        ("euc_jp", "東京へ行きましょう"),
        ("big5", "他在哪裡？"),
        ("gb18030", "快走，别回头！"),
        ("euc_kr", "뭐라고?"),
        ("cp1251", "Я не знаю."),
        ("koi8-r", "Спасибо большое"),
        ("cp1253", "Δεν ξέρω"),
        ("cp1255", "אני לא יודע"),
        ("cp1256", "شكرا جزيلا"),
        ("cp1252", "Déjà vu, garçon ?"),
    ],
)
@pytest.mark.parametrize("language", ["", "en"])
def test_a_few_words_without_the_language(language: str, encoding: str, text: str) -> None:
    """Short text in another script is found without its language, and with a wrong one."""
    words = text.encode(encoding)

    assert words.decode(encoding_of([words], language)) == text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "Zażółć gęślą jaźń"),
        ("iso8859-2", "Dziękuję, książę"),
        ("cp1250", "Příliš žluťoučký kůň"),
        ("iso8859-2", "Příliš žluťoučký kůň"),
        ("cp1250", "Köszönöm, őrült hűség"),
        ("cp1250", "Što ćeš, đače? Žao mi je"),
        ("cp1250", "Bună ziua, ce faceţi?"),
        ("cp1254", "Günaydın, nasılsın? Teşekkürler"),
        ("cp1257", "Ačiū, kaip sekasi? Ąžuolas"),
        ("cp1252", "Straße, Mädchen – „Öl“"),
        ("cp1252", "Ça va, l’été ? Où ça ?"),
        ("cp1252", "¡Adiós, señor! ¿Qué pasó?"),
        ("cp1252", "Rødgrød med fløde på åen"),
        ("cp1252", "Não, avô! É você?"),
        ("iso8859-15", "Cœur brisé, 5 €"),
        ("cp850", "Schöne Grüße, Frau Müller"),
        ("cp850", "Déjà vu, garçon"),
        ("mac_roman", "Déjà vu, crème brûlée"),
        ("cp1252", "Señor Müller’s café in São Paulo"),
    ],
)
def test_a_few_words_in_latin_letters(encoding: str, text: str) -> None:
    """Without a language, a few words are those of a language whose alphabet has all letters."""
    words = [text.encode(encoding), b"Plain words"]

    assert words[0].decode(encoding_of(words)) == text


@pytest.mark.parametrize(
    "words",
    [
        '<font color="#ffff00">Привет, мир</font>',
        "{\\an8}Привет, мир",
        "<i>Да</i>, <b>я</b>",
    ],
)
def test_markup_is_no_text(words: str) -> None:
    """Tags in ASCII do not make Cyrillic text Latin."""
    assert encoding_of([words.encode("cp1251")], "en") == "cp1251"
