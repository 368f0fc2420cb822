"""Texts of templates: put into them when they are compiled, once for every language, so that a page costs the same in each.

`{% trans %}` is for what stands in the page, and may hold marks of HTML; its values are escaped as everywhere, and so is a translation,
but for the marks that its English text has too. `_("…")` is for what is handed on, such as to a macro.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from jinja2 import Environment, nodes
from jinja2.ext import InternationalizationExtension
from jinja2.visitor import NodeTransformer
from markupsafe import escape

from undercroft.console.languages import APART, TOGETHER, Language, _, ngettext
from undercroft.console.languages.catalogues import TAG

_PIECE = re.compile(r"(%\(\w+\)s)")
_TAGS = re.compile(f"({TAG.pattern})")
_FORM_OF = "_form_of"


class TranslatedEnvironment(Environment):
    """An environment whose templates are in one language."""

    def __init__(self, language: Language, **options: Any) -> None:
        super().__init__(extensions=[TextsInTemplates], **options)
        self.language = language
        self.globals |= {"_": _, "ngettext": ngettext, _FORM_OF: language.form_of}
        self.policies["ext.i18n.trimmed"] = True

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Read a template, and put texts in place of `_("…")` wherever they have no values."""
        tree = super()._parse(source, name, filename)
        _Constants(self.language).visit(tree)
        return tree


class TextsInTemplates(InternationalizationExtension):
    """`{% trans %}` becomes what it says, in the language of the environment: text and values, in its order."""

    environment: TranslatedEnvironment

    def _make_node(  # type: ignore[override] # A text by number is a choice of outputs.
        self,
        singular: str,
        plural: str | None,
        context: str | None,
        variables: dict[str, nodes.Expr],
        plural_expr: nodes.Expr | None,
        vars_referenced: bool,  # noqa: ARG002 - the signature of the extension.
        num_called_num: bool,  # noqa: ARG002
    ) -> nodes.Node:
        assert context is None, "texts have no context here"
        language = self.environment.language
        is_english = language.texts.get(singular) is None
        forms = language.forms(singular, plural)
        outputs = [
            _output(form if is_english else _safe(form), variables, is_rtl=language.direction == "rtl")
            for form in forms
        ]
        if plural_expr is None:
            return outputs[0]
        node: nodes.Node = outputs[-1]
        for index in range(len(outputs) - 2, -1, -1):
            form = nodes.Call(nodes.Name(_FORM_OF, "load"), [plural_expr], [], None, None)
            node = nodes.If(
                nodes.Compare(form, [nodes.Operand("eq", nodes.Const(index))]), [outputs[index]], [], [node]
            )
        return node


class _Constants(NodeTransformer):
    """Puts a text in place of each `_("…")` without values."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - the visitor's own naming.
        self.generic_visit(node)
        is_text = isinstance(node.node, nodes.Name) and node.node.name == "_" and not node.kwargs
        if is_text and len(node.args) == 1 and isinstance(text := node.args[0], nodes.Const):
            return nodes.Const(self._language.forms(text.value)[0] % {}, lineno=node.lineno)
        return node


def _output(html: str, variables: dict[str, nodes.Expr], *, is_rtl: bool) -> nodes.Output:
    """A text with its values, each of which keeps its direction where the text goes from right to left."""
    found: list[nodes.Expr] = []
    is_in_mark = False
    for index, piece in enumerate(_PIECE.split(html)):
        if index % 2:
            value = variables[piece[2:-2]]
            apart = is_rtl and not is_in_mark
            found += [nodes.TemplateData(APART), value, nodes.TemplateData(TOGETHER)] if apart else [value]
        elif piece:
            is_in_mark = piece.rfind("<") > piece.rfind(">") or (is_in_mark and ">" not in piece)
            found.append(nodes.TemplateData(piece.replace("%%", "%")))
    return nodes.Output(found)


def _safe(translated: str) -> str:
    """A translation as HTML: the marks in it are those of the English text, which was seen to when it was read."""
    pieces = _TAGS.split(translated)
    return "".join(piece if index % 2 else str(escape(unescape(piece))) for index, piece in enumerate(pieces))
