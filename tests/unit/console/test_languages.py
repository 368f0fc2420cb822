"""Texts in other languages: what files of translations may say, and who is answered in which."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import DictLoader

from harness.pseudo_language import pseudo, write_pseudo
from undercroft import limits
from undercroft.console import languages, nouns, templates
from undercroft.console.languages import ENGLISH, LanguageError, _, catalogues, in_english, ngettext
from undercroft.console.languages.choice import Choice
from undercroft.console.languages.in_templates import TranslatedEnvironment

PROJECT = Path(__file__).resolve().parents[3]
HEADER = 'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'


@pytest.fixture
def read(tmp_path):
    def reading(text, code="de", header=HEADER):
        path = tmp_path / f"{code}.po"
        path.write_text(header + text)
        return catalogues.read(path)

    return reading


@pytest.fixture
def speak():
    yield languages.speak
    languages.speak(ENGLISH)


def said(one, other):
    return f'msgid "{one}"\nmsgstr "{other}"\n\n'


def strings(said):
    return (said,) if isinstance(said, str) else said


def rendered(language, source, **values):
    environment = TranslatedEnvironment(language, loader=DictLoader({"page": source}), autoescape=True)
    return environment.get_template("page").render(**values)


def test_the_catalogue_of_texts_is_that_of_the_source():
    maker = runpy.run_path(str(PROJECT / "tools" / "make_messages.py"))
    assert maker["POT_FILE"].read_text() == maker["written"](maker["extracted"]()), "run `make messages`"


@pytest.mark.parametrize("path", sorted(catalogues.SHIPPED.glob("*.po")), ids=lambda path: path.stem)
def test_a_language_of_the_package_has_every_text(path):
    with path.open("rb") as file:
        catalog = read_po(file, path.stem)
    with (catalogues.SHIPPED / "messages.pot").open("rb") as file:
        wanted = {message.id for message in read_po(file) if message.id}
    lacking = [wish for wish in wanted if wish not in catalog or catalog.get(wish).fuzzy]
    empty = [message.id for message in catalog if message.id and not all(strings(message.string))]
    assert (lacking, empty) == ([], [])
    assert catalogues.read(path).texts.keys() == {wish if isinstance(wish, str) else wish[0] for wish in wanted}


def test_every_text_of_the_source_takes_its_values_and_no_percent_sign_is_left_alone(tmp_path):
    write_pseudo(tmp_path, "eo")
    assert len(catalogues.read(tmp_path / "eo.po").texts) > 100


def test_a_text_is_in_the_language_of_the_context_and_remembers_the_english_one(read, speak):
    speak(read(said("Holds %(what)s", "Darin: %(what)s") + said("a cap", "eine Grenze")))
    text = _("Holds %(what)s", what=_("a cap"))
    assert (text, in_english(text)) == ("Darin: eine Grenze", "Holds a cap")
    assert _("Not translated: 5 %%") == "Not translated: 5 %"
    assert _("") == ""


def test_a_number_has_the_form_of_the_language(read, speak):
    polish = read(
        'msgid "%(number)s file"\nmsgid_plural "%(number)s files"\n'
        'msgstr[0] "plik"\nmsgstr[1] "%(number)s pliki"\nmsgstr[2] "%(number)s plików"\n',
        "pl",
        'msgid ""\nmsgstr "Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\\n"\n\n',
    )
    speak(polish)
    assert [templates.count(number, "file") for number in (1, 2, 5, 22)] == ["plik", "2 pliki", "5 plików", "22 pliki"]
    assert ngettext("%(number)s job", "%(number)s jobs", 5, number=5) == "5 jobs"
    source = "{% trans number=n %}{{ number }} file{% pluralize %}{{ number }} files{% endtrans %}"
    assert [rendered(polish, source, n=number) for number in (1, 2, 5)] == ["plik", "2 pliki", "5 plików"]
    assert [rendered(ENGLISH, source, n=number) for number in (1, 2)] == ["1 file", "2 files"]


@pytest.mark.parametrize("noun", nouns.FORMS)
def test_every_noun_counts(noun):
    assert templates.count(1, noun) == f"1 {noun}"
    assert templates.count(12_402, noun) == f"12,402 {noun}s"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (said("Holds %(what)s", "Darin"), "other values"),
        (said("Holds", "Darin: %(what)s"), "other values"),
        (said("Holds", "Darin 5 %"), "belongs to no value"),
        (said("Holds", "Darin %s"), "belongs to no value"),
        (said("Holds", "<img src=x onerror=alert(1)>"), "other marks of HTML"),
        (said("<b>Holds</b>", "<b>Darin"), "other marks of HTML"),
        (said("<a href='/x'>Holds</a>", "<a href='//evil'>Darin</a>"), "other marks of HTML"),
        ('msgid "%(n)s file"\nmsgid_plural "%(n)s files"\nmsgstr[0] "Datei"\nmsgstr[1] "Dateien"\n', "other values"),
        ("what is this?\n", ":"),
    ],
)
def test_a_translation_that_says_more_or_less_than_the_text_is_refused(read, text, complaint):
    with pytest.raises(LanguageError, match=complaint) as refused:
        read(text)
    assert "de.po" in str(refused.value)


@pytest.mark.parametrize(
    "rule",
    [
        "nplurals=2; plural=(alert(n));",
        "nplurals=2; plural=n;",
        "nplurals=2; plural=(1/0);",
        "nplurals=2; plural=(n != 1;",
    ],
)
def test_a_rule_of_plurals_is_a_formula_and_nothing_else(read, rule):
    with pytest.raises(LanguageError, match="Plural-Forms"):
        read("", header=f'msgid ""\nmsgstr "Plural-Forms: {rule}\\n"\n\n')


def test_a_file_is_named_by_its_language_and_has_a_limit(read, tmp_path, monkeypatch):
    with pytest.raises(LanguageError, match="no language that is known"):
        read("", "klingon")
    monkeypatch.setattr(limits, "CONSOLE_LANGUAGE_MAX_BYTES", len(HEADER))
    assert read("").tag == "de"
    monkeypatch.setattr(limits, "CONSOLE_LANGUAGE_MAX_BYTES", len(HEADER) - 1)
    with pytest.raises(LanguageError, match="longer than"):
        read("")


def test_the_operators_own_file_goes_before_and_no_folder_is_no_language(tmp_path):
    assert dict(catalogues.load_folder(tmp_path / "none")) == {}
    (tmp_path / "he.po").write_text(said("Cancel", "ביטול"))
    found = catalogues.load(tmp_path)
    assert found["en"] is ENGLISH
    hebrew = found["he"]
    assert (hebrew.name, hebrew.direction, hebrew.texts) == ("עברית", "rtl", {"Cancel": ("ביטול",)})


def test_a_translation_is_escaped_in_pages_but_for_the_marks_of_the_english_text(read):
    language = read(
        said("Say <b>%(name)s</b>", '<b>%(name)s</b> & \\"&lt;script&gt;') + said("Close", 'Zu\\" onclick=\\"x')
    )
    source = '{% trans name=who %}Say <b>{{ name }}</b>{% endtrans %}|<i title="{% trans %}Close{% endtrans %}" class="{{ _("Close") }}">'
    assert rendered(language, source, who="<u>") == (
        '<b>&lt;u&gt;</b> &amp; &#34;&lt;script&gt;|<i title="Zu&#34; onclick=&#34;x" class="Zu&#34; onclick=&#34;x">'
    )


def test_scripts_are_taught_only_what_scripts_say(read):
    language = read(
        "#: src/undercroft/console/static/js/a.js\n" + said("Close", "Zu") + "#: b.py\n" + said("Open", "Auf")
    )
    assert '"Close": ["Zu"]' in language.script
    assert "Auf" not in language.script
    assert "Auf" in read(said("Open", "Auf")).script


@pytest.mark.parametrize(
    ("chosen", "header", "tag"),
    [
        (None, "", "en"),
        (None, "de-AT, en;q=0.5", "de"),
        (None, "en;q=0.5, de;q=0.4", "en"),
        (None, "fr, pt", "pt-BR"),
        (None, "PT-br", "pt-BR"),
        (None, "de;q=0, en", "en"),
        (None, "de;q=x", "en"),
        (None, "de," * 1000, "en"),
        ("de", "pt", "de"),
        ("fr", "pt", "pt-BR"),
    ],
)
def test_a_request_is_answered_in_what_was_chosen_else_in_what_the_browser_asks_for(chosen, header, tag):
    choice = Choice({"en": ENGLISH, **{tag: ENGLISH._replace(tag=tag) for tag in ("de", "pt-BR")}})
    assert choice.of(chosen, header).tag == tag


def test_the_pseudo_language_keeps_values_and_marks():
    assert pseudo("A <b>%(name)s</b> 5 %%") == "⟦À <b>%(name)s</b> 5 %%~~⟧"
