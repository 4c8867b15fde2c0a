"""Wordings that must not reach anybody, with the rule each one breaks (safe-messaging R5-R7, R9-R12, R21; the voice).

Patterns, not words of ours: they are looked for in every text and on every button, whatever the case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A pattern, in one language or in all (``), the rule it breaks and why."""

    rule: str
    language: str
    pattern: re.Pattern[str]
    why: str


def _rule(rule: str, why: str, **by_language: str) -> tuple[Forbidden, ...]:
    return tuple(
        Forbidden(rule, "" if language == "every" else language, re.compile(pattern, re.IGNORECASE), why)
        for language, pattern in by_language.items()
    )


FORBIDDEN: tuple[Forbidden, ...] = (
    *_rule(
        "R5",
        "no method, dose, place or comparison of lethality",
        fr=r"\b(médocs?|médicaments? (?:que|dans|à prendre)|overdose de|paracétamol|lames? de rasoir|corde|pendaison|pendre|"
        r"veines?|pont|rails?|sans douleur|indolore|mortelle?s? (?:dose|quantité)|dose)\b",
        en=r"\b(overdose on|paracetamol|razor|rope|hanging|veins?|bridge|railway|painless|lethal|dose)\b",
        ar=r"جرعة|حبل|شنق|شفرة|بلا ألم|بدون ألم",
    ),
    *_rule(
        "R6",
        "a phrase that hurts",
        fr=r"fais pas de b[êe]tises?|pense à ta famille|tu n.es pas sérieu|juste une phase|tout pour être heureu|te comprends? "
        r"parfaitement|sois fort|suicide (?:réussi|raté)|rat(?:er|é) son suicide|commettre un suicide|tu devrais avoir honte|"
        r"prie[rz]?\b|dieu\b|péché|on parie",
        en=r"do something stupid|think of your family|just a phase|everything to be happy|understand (?:you )?perfectly|be strong|"
        r"successful suicide|failed suicide|commit(?:ted|ting)? suicide|shame on you|\bpray\b|\bgod\b|\bsin\b",
        ar=r"فكر في عائلتك|كن قويا|كوني قوية|حرام|ذنب كبير|مجرد مرحلة|أفهمك تماما",
    ),
    *_rule(
        "R7",
        "nothing is promised, ordered or lulled",
        fr=r"\b(promets?|promis|promett\w+|garanti\w*|jamais|toujours|à coup sûr|c'est sûr que|tout ira bien|ça va aller|"
        r"tu dois|il faut(?! pas)|calme[- ]toi|ne t.inqui[eè]te pas|(?<!qui )(?<!ça )t.inqui[eè]te|personne ne saura|"
        r"secret absolu)\b",
        en=r"\b(promised?|guarantee[ds]?|never|always|for sure|everything will be (?:fine|okay)|you(?:'ll| will) be fine|you must|"
        r"calm down|don.t worry|nobody will know)\b",
        ar=r"أعدك|أضمن|دائما|أبدا|كل شيء سيكون بخير|يجب عليك|لا تقلق|ما تخافش|اهدأ|لن يعرف أحد",
    ),
    *_rule(
        "R9",
        "no why, no doubt, no detail asked of a victim",
        fr=r"\bpourquoi (?:tu|il|elle|est-ce)|tu es sûre? que|raconte[- ]moi (?:tout|en détail)|donne[- ]moi (?:des|les) détails|"
        r"peux-tu préciser",
        en=r"\bwhy (?:did|do|didn't|don't) you|are you sure (?:that )?(?:it|he|she|they)|tell me every detail|give me details",
        ar=r"لماذا (?:لم|فعلت)|هل أنت متأكد أن|كل التفاصيل",
    ),
    *_rule(
        "R10",
        "never confront, meet, pay or send",
        fr=r"\b(?:va|vas) (?:lui|leur) parler|rends-lui|réponds-(?:lui|leur)|va au rendez-vous|paie|"
        r"paye[- ]le|envoie[- ]moi (?:la|les|une)",
        en=r"\bconfront|stand up to (?:him|them)|go and (?:talk|speak) to (?:him|them)|pay (?:him|them)|"
        r"(?<!don't )send me (?:the|a) (?:photo|picture)",
        ar=r"(?<!م)واجه|ادفع|أرسل لي الصورة",
    ),
    *_rule(
        "R11",
        "no contract, no shame, no “safer” technique",
        fr=r"promets-moi|glaçons?|élastique au poignet|honte à toi|automutil\w+ sans",
        en=r"promise me|ice cubes?|rubber band|snap a band",
        ar=r"عدني|مكعبات الثلج",
    ),
    *_rule(
        "R12",
        "no number or word of weight, calories or diet",
        every=r"\d+ ?(?:kg|kilos?|kcal|calories)\b|\b(?:calories?|kcal|imc|bmi|régime|diet|jeûne|fasting|"
        r"perdre du poids|lose weight|maigrir|thinner|slim)\b|سعرات|حمية|كيلوغرام",
    ),
    *_rule(
        "R21",
        "no diagnosis, no therapy claim, no feelings, no hook",
        fr=r"\bje t.aime|tu me manques|reviens (?:me )?(?:voir|parler)|tu (?:es|souffres d'une?) (?:dépressi\w+|bipolaire|"
        r"anorexique|borderline|dépression)|tu as une (?:dépression|phobie|anorexie)|arrête ton traitement|je te soigne|"
        r"ma thérapie|série de jours|record",
        en=r"\bi love you|miss(?:ed)? you|come back (?:and )?(?:see|talk)|you (?:are|have) (?:depress\w+|bipolar|"
        r"anorexi\w+|borderline)|stop your (?:treatment|medication)|i treat you|streak",
        ar=r"أحبك|اشتقت إليك|أنت مكتئب|عندك اكتئاب|أوقف الدواء",
    ),
    *_rule("voice", "no shouting where people are in pain", every=r"!|[😀-🙏❤🎉💪]"),
    *_rule(
        "voice",
        "no gender is assumed",
        fr=r"\w[·.]e(?:s|\b)(?!\w)|\(e\)|\btu (?:es|étais|seras|te sens|restes?) (?:\w+ )?(?:seule?|prête?|sûre?|perdue?|"
        r"fatiguée?|contente?|forte?|courageu(?:x|se)|obligée?|inqui(?:et|ète)|bienvenue?|"
        r"harcelée?|frappée?)\b|\bmon grand\b|\bma belle\b|\bmec\b",
        en=r"\b(?:dude|girl,|boy,|sweetie|young (?:man|lady))\b",
        ar=r"أنتِ|أنتي|\bنتي\b|\bنتا\b|كوني\b|\bقولي\b|\bسيري\b",
    ),
)
