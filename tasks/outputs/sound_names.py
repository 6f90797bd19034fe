"""What sounds are called in other languages than English: those of AudioSet that are heard most."""

_LANGUAGES = ("ko", "ja", "de", "fr", "es")
_NAMES = {
    "Music": ("음악", "音楽", "Musik", "musique", "música"),
    "Singing": ("노래", "歌", "Gesang", "chant", "canto"),
    "Laughter": ("웃음", "笑い", "Gelächter", "rires", "risas"),
    "Applause": ("박수", "拍手", "Applaus", "applaudissements", "aplausos"),
    "Cheering": ("환호", "歓声", "Jubel", "acclamations", "vítores"),
    "Crowd": ("군중", "群衆", "Menschenmenge", "foule", "multitud"),
    "Shout": ("고함", "叫び声", "Rufen", "cris", "gritos"),
    "Screaming": ("비명", "悲鳴", "Schreie", "hurlements", "chillidos"),
    "Crying, sobbing": ("울음", "泣き声", "Weinen", "pleurs", "llanto"),
    "Baby cry, infant cry": (
        "아기 울음",
        "赤ちゃんの泣き声",
        "Babygeschrei",
        "pleurs de bébé",
        "llanto de bebé",
    ),
    "Whispering": ("속삭임", "ささやき", "Flüstern", "chuchotements", "susurros"),
    "Sigh": ("한숨", "ため息", "Seufzen", "soupir", "suspiro"),
    "Cough": ("기침", "咳", "Husten", "toux", "tos"),
    "Sneeze": ("재채기", "くしゃみ", "Niesen", "éternuement", "estornudo"),
    "Breathing": ("숨소리", "息", "Atmen", "respiration", "respiración"),
    "Whistling": ("휘파람", "口笛", "Pfeifen", "sifflement", "silbido"),
    "Clapping": ("손뼉", "手拍子", "Klatschen", "claquements de mains", "palmas"),
    "Walk, footsteps": ("발소리", "足音", "Schritte", "bruits de pas", "pasos"),
    "Door": ("문소리", "ドアの音", "Tür", "porte", "puerta"),
    "Knock": ("노크", "ノック", "Klopfen", "coups à la porte", "golpes en la puerta"),
    "Telephone": ("전화", "電話", "Telefon", "téléphone", "teléfono"),
    "Telephone bell ringing": (
        "전화벨",
        "電話の呼び出し音",
        "Telefonklingeln",
        "sonnerie",
        "timbre de teléfono",
    ),
    "Bell": ("종소리", "鐘", "Glocke", "cloche", "campana"),
    "Alarm": ("경보", "警報", "Alarm", "alarme", "alarma"),
    "Siren": ("사이렌", "サイレン", "Sirene", "sirène", "sirena"),
    "Explosion": ("폭발", "爆発", "Explosion", "explosion", "explosión"),
    "Gunshot, gunfire": ("총성", "銃声", "Schüsse", "coups de feu", "disparos"),
    "Glass": ("유리", "ガラス", "Glas", "verre", "vidrio"),
    "Engine": ("엔진", "エンジン", "Motor", "moteur", "motor"),
    "Car": ("자동차", "車", "Auto", "voiture", "coche"),
    "Train": ("기차", "電車", "Zug", "train", "tren"),
    "Aircraft": ("비행기", "飛行機", "Flugzeug", "avion", "avión"),
    "Rain": ("비", "雨", "Regen", "pluie", "lluvia"),
    "Thunder": ("천둥", "雷", "Donner", "tonnerre", "trueno"),
    "Wind": ("바람", "風", "Wind", "vent", "viento"),
    "Water": ("물", "水", "Wasser", "eau", "agua"),
    "Dog": ("개", "犬", "Hund", "chien", "perro"),
    "Bark": ("개 짖는 소리", "犬の鳴き声", "Bellen", "aboiements", "ladridos"),
    "Cat": ("고양이", "猫", "Katze", "chat", "gato"),
    "Bird": ("새", "鳥", "Vogel", "oiseau", "pájaro"),
    "Typing": ("타자", "タイピング", "Tippen", "frappe au clavier", "tecleo"),
    "Piano": ("피아노", "ピアノ", "Klavier", "piano", "piano"),
    "Guitar": ("기타", "ギター", "Gitarre", "guitare", "guitarra"),
    "Drum": ("북", "太鼓", "Trommel", "tambour", "tambor"),
    "Silence": ("정적", "静寂", "Stille", "silence", "silencio"),
}


def sound_name(label: str, language: str | None) -> str:
    """A class of AudioSet as it is called in a language; in English where nobody said how."""
    if language in _LANGUAGES and label in _NAMES:
        return _NAMES[label][_LANGUAGES.index(language)]
    return label.split(",")[0].lower()


def sounds_called(name: str) -> list[str]:
    """The classes that are called so in one of the languages."""
    wanted = name.strip().casefold()
    return [label for label, names in _NAMES.items() if wanted in (each.casefold() for each in names)]
