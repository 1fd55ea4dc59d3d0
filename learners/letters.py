"""The words of the mail to created learners, in the languages people read it in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Letter:
    """`{portal}`, `{name}` and `{email}` are filled in; the name may be unknown."""

    subject: str
    hello: str
    hello_nobody: str
    made: str
    choose: str
    enter: str
    log_in: str


LETTERS: dict[str, Letter] = {
    "en": Letter(
        "Your learning account at {portal} is ready",
        "Hello {name},", "Hello,",
        "an account has been made for you at {portal}. It has no password yet that you know.",
        "Choose your password here:", "Enter {email}; LearnUpon mails you a link.", "Then log in here:",
    ),
    "de": Letter(
        "Ihr Lernkonto bei {portal} ist bereit",
        "Guten Tag {name},", "Guten Tag,",
        "für Sie wurde ein Konto bei {portal} angelegt. Es hat noch kein Passwort, das Sie kennen.",
        "Wählen Sie hier Ihr Passwort:", "Geben Sie {email} ein; LearnUpon schickt Ihnen einen Link.",
        "Melden Sie sich dann hier an:",
    ),
    "fr": Letter(
        "Votre compte de formation {portal} est prêt",
        "Bonjour {name},", "Bonjour,",
        "un compte a été créé pour vous sur {portal}. Il n'a pas encore de mot de passe que vous connaissiez.",
        "Choisissez votre mot de passe ici :", "Saisissez {email} ; LearnUpon vous enverra un lien.",
        "Connectez-vous ensuite ici :",
    ),
    "es": Letter(
        "Su cuenta de formación en {portal} está lista",
        "Hola, {name}:", "Hola:",
        "se ha creado una cuenta para usted en {portal}. Todavía no tiene una contraseña que usted conozca.",
        "Elija su contraseña aquí:", "Introduzca {email}; LearnUpon le enviará un enlace.",
        "Después, inicie sesión aquí:",
    ),
    "nl": Letter(
        "Uw leeraccount bij {portal} staat klaar",
        "Hallo {name},", "Hallo,",
        "er is een account voor u gemaakt bij {portal}. Het heeft nog geen wachtwoord dat u kent.",
        "Kies hier uw wachtwoord:", "Vul {email} in; LearnUpon mailt u een link.", "Log daarna hier in:",
    ),
    "pt": Letter(
        "A sua conta de formação em {portal} está pronta",
        "Olá, {name},", "Olá,",
        "foi criada uma conta para você em {portal}. Ela ainda não tem uma senha que você conheça.",
        "Escolha a sua senha aqui:", "Digite {email}; a LearnUpon enviará um link.", "Depois, entre aqui:",
    ),
    "ja": Letter(
        "{portal} の学習アカウントの準備ができました",
        "{name} 様", "こんにちは。",
        "{portal} にあなたのアカウントが作成されました。パスワードはまだ設定されていません。",
        "こちらでパスワードを設定してください:", "{email} を入力すると、LearnUpon からリンクが届きます。",
        "その後、こちらからログインしてください:",
    ),
}  # fmt: skip
NAMES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "nl": "Dutch", "pt": "Portuguese",
    "ja": "Japanese",
}  # fmt: skip


def language_of(code: str) -> str:
    """`pt_br` reads `pt`; a language without a letter reads English."""
    return code[:2] if code[:2] in LETTERS else "en"


def letter(code: str, **values: str) -> Letter:
    """The letter in this language, filled in. Values are put in once: a name with braces in it stays a name."""
    words = LETTERS[language_of(code)]
    return Letter(*(text.format(**values) for text in vars(words).values()))
