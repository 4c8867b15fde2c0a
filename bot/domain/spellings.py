"""How people spell on a phone: text-message forms, disguised words, what an emoji stands for. Data of `normalise`.

Right-hand sides are never left-hand ones, so that normalising twice changes nothing.
"""

from __future__ import annotations

EMOJI = {
    "😂": "haha",
    "🤣": "haha",
    "😹": "haha",
    "😆": "haha",
    "💀": "crane",
    "☠": "crane",
    "😭": "pleure",
    "😢": "pleure",
    "😔": "triste",
    "😞": "triste",
    "🥺": "triste",
    "😰": "angoisse",
    "😨": "peur",
    "😱": "peur",
    "😡": "colere",
    "🤬": "colere",
    "❤": "coeur",
    "💔": "coeurbrise",
    "🔪": "couteau",
    "🩸": "sang",
    "⚰": "cercueil",
    "🪦": "tombe",
    "🥀": "rosefanee",
    "🕊": "colombe",
    "💊": "cachets",
    "🍇": "raisin",
    "🙏": "merci",
    "👍": "ok",
    "👋": "salut",
    "🆘": "sos",
    "🏳": "drapeau",
    "🌈": "arcenciel",
}
FORMS = {
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
    "bb": "bebe", "rdv": "rendez vous", "tel": "telephone", "bah": "ben",
    # English.
    "idk": "i dont know", "im": "i m", "ive": "i ve", "wanna": "want to", "gonna": "going to", "u": "you", "ur": "your", "rn": "right now",
    "bc": "because", "cuz": "because", "cos": "because", "smth": "something", "sth": "something", "sb": "somebody", "ppl": "people", "pls": "please",
    "plz": "please", "thx": "thanks", "ty": "thank you", "kms": "kill myself", "kys": "kill yourself", "ngl": "not going to lie", "tbh": "to be honest",
    "theyre": "they re", "hes": "he s", "shes": "she s",
    # Words spelled to pass filters.
    "unalive": "suicide", "unaliver": "suicider", "sewerslide": "suicide", "suicid": "suicide", "suic*de": "suicide", "v10l": "viol",
}  # fmt: skip
DISGUISED = frozenset(
    "suicide suicider suicides suicidaire suicidal suicid mourir mort morte tuer depression deprime depressed viol viole violee violer rape raped "
    "nude nudes porn sexe sex drogue drogues die dead kill killed help aide scarifie scarification automutilation harcelement harcele".split()
)
