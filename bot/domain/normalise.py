"""One way of writing for the triage and the engine: what people type, made comparable, without losing what it means.

Runs on Python 3.10 too (the engine imports it). Idempotent; never empty for text that can be seen; linear in its length.
"""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]+")
_ELONGATED = re.compile(r"([^\W\d_])\1{2,}")
_ARABIC = str.maketrans(
    {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه", "ـ": None, "گ": "ك", "ڭ": "ك", "پ": "ب", "ڤ": "ف", "؟": "?", "،": " ", "؛": " "}
    | {chr(0x660 + digit): str(digit) for digit in range(10)}
)
_EMOJI = {
    "😂": "haha", "🤣": "haha", "😹": "haha", "😆": "haha", "💀": "crane", "☠": "crane", "😭": "pleure", "😢": "pleure", "😔": "triste",
    "😞": "triste", "🥺": "triste", "😰": "angoisse", "😨": "peur", "😱": "peur", "😡": "colere", "🤬": "colere", "❤": "coeur", "💔": "coeurbrise",
    "🔪": "couteau", "🩸": "sang", "⚰": "cercueil", "🪦": "tombe", "🥀": "rosefanee", "🕊": "colombe", "💊": "cachets", "🍇": "raisin",
    "🙏": "merci", "👍": "ok", "👋": "salut", "🆘": "sos", "🏳": "drapeau", "🌈": "arcenciel",
}
_FORMS = {
    # French spelled as it is typed. Right-hand sides are never left-hand ones, so that normalising twice changes nothing.
    "jvx": "je veux", "mrr": "mourir", "jveux": "je veux", "jveu": "je veux", "jv": "je vais", "jvais": "je vais", "jvai": "je vais", "chui": "je suis",
    "chuis": "je suis", "jsuis": "je suis", "jsui": "je suis", "jss": "je suis", "jsp": "je sais pas", "jsais": "je sais", "jpp": "j en peux plus",
    "jpeux": "je peux", "jpe": "je peux", "jme": "je me", "jte": "je te", "jle": "je le", "jla": "je la", "jai": "j ai", "jé": "j ai", "g": "j ai",
    "jfais": "je fais", "jdois": "je dois", "jcrois": "je crois", "jpense": "je pense", "jarrive": "j arrive", "jaime": "j aime", "jen": "j en",
    "jetais": "j etais", "jles": "je les", "jmange": "je mange", "jdors": "je dors", "jvois": "je vois", "jtrouve": "je trouve",
    "c": "c est", "cest": "c est", "ct": "c etait", "cetait": "c etait", "t": "t es", "ya": "il y a", "yavait": "il y avait",
    "pk": "pourquoi", "pq": "pourquoi", "pcq": "parce que", "psk": "parce que", "pck": "parce que", "pske": "parce que", "bcp": "beaucoup",
    "tt": "tout", "ttes": "toutes", "tts": "tous", "tlm": "tout le monde", "mm": "meme", "vrm": "vraiment", "vrmt": "vraiment", "tjr": "toujours",
    "tjrs": "toujours", "tjs": "toujours", "jms": "jamais", "qqn": "quelqu un", "qlqn": "quelqu un", "qqun": "quelqu un", "qqch": "quelque chose",
    "qd": "quand", "kan": "quand", "koi": "quoi", "ki": "qui", "ke": "que", "kel": "quel", "mtn": "maintenant", "mnt": "maintenant", "mtnt": "maintenant",
    "ajd": "aujourd hui", "auj": "aujourd hui", "dpuis": "depuis", "dp": "depuis", "ds": "dans", "ac": "avec", "av": "avec", "avk": "avec",
    "pr": "pour", "pdt": "pendant", "tps": "temps", "lgtps": "longtemps", "stp": "s il te plait", "svp": "s il vous plait", "slt": "salut",
    "cc": "coucou", "bjr": "bonjour", "bsr": "bonsoir", "mrc": "merci", "mrci": "merci", "dsl": "desole", "ptn": "putain", "ptin": "putain",
    "nn": "non", "nan": "non", "oe": "ouais", "ouai": "ouais", "mdrr": "mdr", "ptdrr": "ptdr", "msg": "message", "msgs": "messages",
    "bb": "bebe", "mec": "mec", "rdv": "rendez vous", "tel": "telephone", "bah": "ben",
    # English.
    "idk": "i dont know", "im": "i m", "ive": "i ve", "wanna": "want to", "gonna": "going to", "u": "you", "ur": "your", "rn": "right now",
    "bc": "because", "cuz": "because", "cos": "because", "smth": "something", "sth": "something", "sb": "somebody", "ppl": "people", "pls": "please",
    "plz": "please", "thx": "thanks", "ty": "thank you", "kms": "kill myself", "kys": "kill yourself", "ngl": "not gonna lie", "tbh": "to be honest",
    "theyre": "they re", "hes": "he s", "shes": "she s",
    # Words spelled to pass filters.
    "unalive": "suicide", "unaliver": "suicider", "sewerslide": "suicide", "suicid": "suicide", "suic*de": "suicide", "v10l": "viol", "viole": "viole",
}  # fmt: skip
_FORMS = {form: meaning for form, meaning in _FORMS.items() if form != meaning}
_LEET = str.maketrans("013457@$!|*", "oieastasiiu")
_DISGUISED = frozenset(
    "suicide suicider suicides suicidaire suicidal suicid mourir mort morte tuer depression deprime depressed viol viole violee violer rape raped "
    "nude nudes porn sexe sex drogue drogues die dead kill killed help aide scarifie scarification automutilation harcelement harcele".split()
)
_TOKEN = re.compile(r"[^\W_]+(?:[@$!|*\d][^\W_]+)*|[?!]+|[^\w\s]")
_NEGATED = re.compile(r"n['’]t\b")
_ELIDED = frozenset("ct")
_VOWEL = re.compile(r"[\s'’]*[aeiouyh]")
_LETTERS = re.compile(r"[^\W\d_]")


def normalise(text: str) -> str:
    """`text` in lower case without accents, elongations, disguises, text-message spellings or invisible characters."""
    flat = _INVISIBLE.sub("", text).translate(_ARABIC).lower()
    flat = unicodedata.normalize("NFKD", flat)
    flat = "".join(char for char in flat if not unicodedata.combining(char)).translate(_ARABIC)
    flat = _NEGATED.sub("nt", _INVISIBLE.sub("", flat))
    words: list[str] = []
    for match in _TOKEN.finditer(flat):
        token = match.group()
        # "c", "t" before a vowel are elided words ("c'est", "t'as"), not text-message spellings.
        elided = token in _ELIDED and _VOWEL.match(flat, match.end()) is not None
        words += [token] if elided else _word(token)
    return " ".join(words) or ("…" if _visible(text) else "")


def _word(token: str) -> list[str]:
    if token in _EMOJI:
        return [_EMOJI[token]]
    if token[0] in "?!":
        return ["?"] if "?" in token else ["!"]
    if not _LETTERS.search(token):
        return [token] if token.isalnum() else []
    token = _ELONGATED.sub(r"\1", token)
    plain = token.translate(_LEET)
    if plain != token and plain in _DISGUISED:
        token = plain
    found = _FORMS.get(token)
    if found is not None:
        return found.split()
    return ["".join(char for char in token if char.isalnum())]


def _visible(text: str) -> bool:
    return bool(_INVISIBLE.sub("", text).strip())


def sentences(text: str) -> list[str]:
    """The sentences and lines of `text` as written, for judging them one by one and quoting them."""
    return [part.strip() for part in re.split(r"[.!?…؟;\n]+", text) if part.strip()]
